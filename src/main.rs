//! The binary: runs the command line and ends with its exit code.

mod allocator;

use std::process::ExitCode;

fn main() -> ExitCode {
    allocator::keep_large_blocks_apart();
    unleak::cli::main().into()
}
