//! Who asks, what they may do, and how that is known.

use crate::token::Scope;

/// Who asks.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Identity {
    /// The token's name, or that of the person.
    pub(in crate::serve) name: String,
    /// What they may do.
    pub(in crate::serve) scope: Scope,
    /// How that is known.
    pub(in crate::serve) via: Via,
}

/// How it is known who asks.
#[derive(Clone, Debug)]
pub(in crate::serve) enum Via {
    /// By a token in the request: no browser sends one on its own.
    Token,
    /// By the cookie of the page's login.
    Page {
        /// What an unsafe request must carry.
        csrf: String,
    },
    /// By a proxy.
    Proxy {
        /// What an unsafe request must carry.
        csrf: String,
    },
}

impl Identity {
    /// What an unsafe request must carry; nothing where no browser sends credentials by itself.
    pub(in crate::serve) fn csrf(&self) -> Option<&str> {
        match &self.via {
            Via::Token => None,
            Via::Page { csrf } | Via::Proxy { csrf } => Some(csrf),
        }
    }

    /// Whether they may change something.
    pub(in crate::serve) fn may_write(&self) -> bool {
        self.scope >= Scope::Write
    }

    /// As the audit log has it.
    pub(in crate::serve) fn who(&self) -> String {
        let how = match self.via {
            Via::Token => "token",
            Via::Page { .. } => "page",
            Via::Proxy { .. } => "proxy",
        };
        format!("{} ({how})", self.name)
    }
}
