//! Whether keys are still as they were backed up: one script on the server, for looking and for deleting.

use super::answer;
use super::record::{Form, Record, SMALL};
use super::server::{Node, Servers};
use crate::session::Error;
use redis::{Pipeline, Value, pipe};

/// One letter a key: gone, the same as it was backed up, or changed. What is the same may go in the same moment. What
/// GET refuses has another type now, and so has what MGET does not give though it is there. One MGET and one UNLINK for
/// all keys cost the server a fifth less than a command for each.
const JUDGE: &str = "
local read, small, unlink = ARGV[1], tonumber(ARGV[2]), ARGV[3] == 'unlink'
local out, same, values = {}, {}, nil
if read == 'MGET' then values = redis.call(read, unpack(KEYS)) end
for i, key in ipairs(KEYS) do
  local value, seen = nil, ARGV[i + 3]
  if values then value = values[i] else value = redis.pcall(read, key) end
  if not value then
    out[i] = values and redis.call('EXISTS', key) == 1 and 'c' or 'g'
  elseif type(value) == 'string' and (#value <= small and value == seen or #value > small and redis.sha1hex(value) == seen) then
    same[#same + 1] = key
    out[i] = 's'
  elseif type(value) == 'string' or string.find(value.err, 'WRONGTYPE', 1, true) then
    out[i] = 'c'
  else
    return value
  end
end
if unlink and #same > 0 then redis.call('UNLINK', unpack(same)) end
return table.concat(out)";

/// How many keys one script gets: short enough to keep nobody waiting.
pub(super) const KEYS: usize = 200;

/// What becomes of a key that is as it was backed up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    Keep,
    Unlink,
}

/// What a key of a backup is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Gone,
    /// And deleted, where that was asked for.
    Same,
    Changed,
}

/// Judges keys of one server, and tells of each one. What was told before an error is true.
pub(super) async fn judge(
    node: &mut Node,
    batch: &[Record],
    at_once: usize,
    then: Then,
    doing: &'static str,
    tell: &mut dyn FnMut(&Record, Verdict),
) -> Result<(), Error> {
    let answers = node.ask_all(doing, &asked(batch, at_once, then)).await?;
    for (records, answer) in together(batch, at_once).zip(answers) {
        let letters = match answer {
            Value::BulkString(letters) if letters.len() == records.len() => letters,
            Value::ServerError(error) => return Err(answer::refused(doing, &error)),
            _ => return Err(answer::nonsense(doing)),
        };
        for (record, letter) in records.iter().zip(letters) {
            tell(
                record,
                match letter {
                    b'g' => Verdict::Gone,
                    b's' => Verdict::Same,
                    _ => Verdict::Changed,
                },
            );
        }
    }
    Ok(())
}

/// How many keys one script may get: in a cluster they must share a slot, so each gets its own.
pub(super) fn at_once(servers: &Servers) -> usize {
    if servers.is_cluster { 1 } else { KEYS }
}

/// What one script is asked about: keys that are read by one command.
fn together(batch: &[Record], at_once: usize) -> impl Iterator<Item = &[Record]> {
    batch.chunk_by(|one, next| read_by(one) == read_by(next)).flat_map(move |alike| alike.chunks(at_once))
}

/// Small texts are read together. Large ones are not: the server would hold all of them at once.
fn read_by(record: &Record) -> &'static str {
    match record.form {
        Form::Text if record.value.len() <= SMALL => "MGET",
        Form::Text => "GET",
        Form::Dump => "DUMP",
    }
}

/// The script with the names of so many keys at once, and what tells whether they have the values that they had.
fn asked(batch: &[Record], at_once: usize, then: Then) -> Pipeline {
    let mut pipe = pipe();
    for records in together(batch, at_once) {
        let command = pipe.cmd("EVAL").arg(JUDGE).arg(records.len());
        for record in records {
            command.arg(&record.key);
        }
        command.arg(read_by(&records[0])).arg(SMALL).arg(match then {
            Then::Keep => "keep",
            Then::Unlink => "unlink",
        });
        for record in records {
            command.arg(&*record.likeness());
        }
    }
    pipe
}
