//! One integration target; each module says what it holds.

#[cfg(unix)] // starts and stops the application by a shell script
mod express; // the main job: a real Express application, its secret rotated and its sessions ended
mod layers; // the arrows between the modules, and the form of the source tree
