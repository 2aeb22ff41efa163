//! What the kernel supports, found out by asking it.

use std::io;

/// The version of Landlock's interface. `None` if this kernel does not have it, or has not enabled it.
///
/// # Errors
/// Any other error of the kernel. A seccomp filter may have caused it.
pub fn landlock_abi() -> io::Result<Option<u32>> {
    const VERSION: libc::c_uint = 1;
    // SAFETY: with no attributes, a size of 0 and this flag the call reads and makes nothing and
    // returns a number (landlock_create_ruleset(2)).
    let answer = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0_usize,
            VERSION,
        )
    };
    if let Ok(version) = u32::try_from(answer) {
        return Ok(Some(version));
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EOPNOTSUPP) => Ok(None),
        _ => Err(error),
    }
}

/// Whether the kernel's clock is synchronised, by the network or in another way.
///
/// # Errors
/// The error of the kernel. This needs no privilege.
pub fn clock_is_synchronised() -> io::Result<bool> {
    // SAFETY: all of its fields are integers, for which zero is a value; with `modes` at 0 nothing
    // is to be set.
    let mut clock: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: it points to a `timex` that is ours alone.
    let state = unsafe { libc::adjtimex(&raw mut clock) };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(clock.status & libc::STA_UNSYNC == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_answers_what_it_is_asked() {
        // Any version that it reports is at least the first one.
        assert!(landlock_abi().is_ok_and(|abi| abi != Some(0)));
        assert!(clock_is_synchronised().is_ok());
    }
}
