//! `unleak serve` as it is run: the binary, real stores, HTTP and a browser.

mod api; // what programs do: sessions, procedures, undo, and that no answer holds a token
mod browser; // what people do with the page, in Chromium
mod door; // who is let in, TLS, and what is refused at the start
mod stop; // Ctrl-C while a change is under way
mod world; // a store with sessions and a server beside it
