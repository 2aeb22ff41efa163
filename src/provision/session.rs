//! What everything that set-up does begins with: it refuses root, holds signals back, takes the lock,
//! and makes the runner of programs.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};

use super::{
    catalog::Catalog, command::Runner, error::SetupError, folders::make_folder,
    interrupt::Interrupts, options::SetUpOptions, scratch::Scratch,
};
use crate::{config::paths::Paths, fs::regular, identity::GatewayId, trust};

/// Refuses root, catches signals and makes sure that nobody else is at it.
pub(crate) fn begin(
    catalog: &Catalog,
    paths: &Paths,
) -> Result<(Interrupts, Flock<File>), SetupError> {
    if nix::unistd::geteuid().is_root() {
        return Err(SetupError::Root {
            command: "runuser -u ai-gateway -- ai-gateway setup".into(),
        });
    }
    let interrupts =
        Interrupts::catch().map_err(|e| SetupError::io("catch", Path::new("signals"))(e.into()))?;
    make_folder(&paths.state)?;
    // Only now: until it was made, somebody else could have made it.
    let data = catalog.cluster().map(|cluster| (cluster.data)(paths));
    let trusted = paths.trusted(data);
    trust::check(
        trusted.iter().map(PathBuf::as_path),
        trust::Who::of(nix::unistd::geteuid()),
    )?;
    Ok((interrupts, lock(&paths.state)?))
}

pub(crate) fn runner(
    paths: &Paths,
    options: &SetUpOptions,
    scratch: &Scratch,
    interrupts: Interrupts,
) -> Result<Runner, SetupError> {
    let gateway =
        GatewayId::of(&paths.state).map_err(SetupError::io("give an identity to", &paths.state))?;
    Ok(Runner {
        env: scratch.variables(&options.environment)?,
        mark: gateway.mark_of_set_up(),
        interrupts,
    })
}

/// One set-up at a time; the second learns which is the first.
pub(super) fn lock(state: &Path) -> Result<Flock<File>, SetupError> {
    let path = state.join("setup.lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).mode(0o600);
    let file = regular::open_as(&path, options.read(true).write(true))
        .map_err(SetupError::io("create", &path))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            lock.set_len(0)
                .and_then(|()| write!(lock, "{}", std::process::id()))
                .map_err(SetupError::io("write", &path))?;
            Ok(lock)
        }
        Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
            let mut holder = String::new();
            // Without a number it is still true that there is another one.
            let _read = file.read_to_string(&mut holder);
            Err(SetupError::Busy { holder })
        }
        Err((_, e)) => Err(SetupError::io("lock", &path)(e.into())),
    }
}
