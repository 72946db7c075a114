//! How the C library's allocator gives memory back to the system.
//!
//! A scan takes and frees blocks of all sizes up to the largest object's. Once one of several megabytes is freed, glibc takes
//! blocks of up to that size from its heaps, where those that stay keep the holes between them: a tenth of what a scan of
//! git's own history held. With a fixed limit every large block is a mapping of its own, and gone when it is freed.

/// From how many bytes on a block is a mapping of its own: what glibc begins with.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 128 << 10;

/// Keeps large blocks out of the heaps. Elsewhere than on glibc there is nothing to do.
pub(crate) fn keep_large_blocks_apart() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "no library has a safe function for it")]
    // SAFETY: `mallopt` takes two numbers and stores one under the allocator's own lock; a number that it does not know it
    // refuses, which costs nothing but memory.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}
