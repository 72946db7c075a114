//! One part of a document's text while it is made: a page, a slide, a sheet.

/// A part is handed over in pieces of about so many bytes.
const PIECE: usize = 4 << 20;

/// The most empty lines that stand for what is not there.
const MOST_EMPTY: u32 = 1 << 16;

/// Takes a piece of a text: the part's name, the number of its first line, and the text.
pub(in crate::source) type Give<'g> = dyn Fn(&str, u32, &str) + 'g;

/// A part that grows line by line.
pub(super) struct Page<'g> {
    give: &'g Give<'g>,
    name: String,
    /// The number of the first line that is held, and of the next one.
    start: u32,
    next: u32,
    text: String,
}

impl<'g> Page<'g> {
    /// An empty part.
    pub(super) fn new(give: &'g Give<'g>, name: impl Into<String>) -> Self {
        // The mark that parts members of archives parts no names here.
        let name = name.into().replace('!', "_");
        Self { give, name, start: 1, next: 1, text: String::new() }
    }

    /// Adds a line, or several.
    pub(super) fn line(&mut self, line: &str) {
        if line.is_empty() && self.text.is_empty() {
            // Nothing is held that an empty line could part from what follows.
            self.next = self.next.saturating_add(1);
            self.start = self.next;
            return;
        }
        if self.text.len() + line.len() > PIECE {
            self.flush();
        }
        self.text.push_str(line);
        self.text.push('\n');
        let lines = memchr::memchr_iter(b'\n', line.as_bytes()).count();
        self.next = self.next.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX)).saturating_add(1);
    }

    /// Makes `line` the number of the next line, if that was not reached yet.
    pub(super) fn skip_to(&mut self, line: u32) {
        let empty = line.saturating_sub(self.next);
        if empty > MOST_EMPTY || empty > 0 && self.text.is_empty() {
            self.flush();
            (self.start, self.next) = (line, line);
        }
        for _ in self.next..line {
            self.line("");
        }
    }

    /// Leaves so many lines out.
    pub(super) fn skip_ahead(&mut self, lines: u32) {
        self.skip_to(self.next.saturating_add(lines));
    }

    /// Hands over what is held.
    pub(super) fn flush(&mut self) {
        if self.text.bytes().any(|byte| byte != b'\n') {
            (self.give)(&self.name, self.start, &self.text);
        }
        self.text.clear();
        self.start = self.next;
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}
