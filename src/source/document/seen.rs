//! How much of a document was read: what a reader leaves out is told, or a scan that found nothing would promise too much.

/// How a document was read, the worse the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::source) enum Seen {
    /// All that is read of such files.
    All,
    /// Something of it is broken, or written in a way that is not read.
    Partly,
    /// It goes beyond the bounds.
    Cut,
    /// It is encrypted.
    Encrypted,
}

impl Seen {
    /// What it says of a file of this form; `None` if there is nothing to tell.
    pub(in crate::source) fn reason(self, form: &str) -> Option<String> {
        let article = if form.starts_with(|first: char| "aeio".contains(first)) { "an" } else { "a" };
        match self {
            Self::All => None,
            Self::Partly => Some(format!(
                "is {article} {form} of which not all can be read: parts are damaged or in a form that is not read"
            )),
            Self::Cut => Some(format!("is {article} {form} of which not all is read: it holds too much")),
            Self::Encrypted => Some(format!("is an encrypted {form}, which is not read")),
        }
    }
}
