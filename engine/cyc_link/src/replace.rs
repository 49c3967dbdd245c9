//! A file rewritten as a whole: it is either the old one or the new one, and the old one stays beside it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a file was not replaced; it is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// Somebody else has written it.
    #[error("{} was changed by somebody else meanwhile; nothing was written, so try again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Something went wrong.
    #[error("cannot write {}: {source}; {} is as it was", at.display(), path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What could not be written.
        at: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Writes `new` to `path` if that still holds `old`, and keeps the old content as `NAME.bak` beside it, whose path is
/// returned. A link stays a link, and permissions stay.
///
/// # Errors
/// Another content than `old`, or a folder that cannot be written.
pub fn replace(path: &Path, old: &[u8], new: &[u8]) -> Result<PathBuf, ReplaceError> {
    let failed = |at: &Path| {
        let at = at.to_owned();
        move |source| ReplaceError::Write { path: path.to_owned(), at, source }
    };
    let real = fs::canonicalize(path).map_err(failed(path))?;
    if fs::read(&real).map_err(failed(&real))? != old {
        return Err(ReplaceError::Changed { path: path.to_owned() });
    }
    let (fresh, backup) = (beside(&real, ".new"), beside(&real, ".bak"));
    let permissions = fs::metadata(&real).map_err(failed(&real))?.permissions();
    let write = |to: &Path, bytes: &[u8]| -> io::Result<()> {
        let mut file = File::create(&fresh)?;
        file.write_all(bytes)?;
        file.set_permissions(permissions.clone())?;
        // On the disk before it takes the name of what was there.
        file.sync_all()?;
        fs::rename(&fresh, to)
    };
    for (to, bytes) in [(&backup, old), (&real, new)] {
        if let Err(source) = write(to, bytes) {
            let _ = fs::remove_file(&fresh);
            return Err(failed(to)(source));
        }
    }
    // The new names are lost with the power unless the folder is written too; that it cannot be is no failure.
    let _ = real.parent().map(File::open).and_then(Result::ok).map(|folder| folder.sync_all());
    Ok(backup)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(end);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("cyc_link-replace-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn the_old_content_stays_beside_the_new() {
        let folder = folder("beside");
        let (file, link) = (folder.join("stage.toml"), folder.join("link.toml"));
        fs::write(&file, "one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        let backup = replace(&link, b"one", b"two").unwrap();
        assert_eq!(backup, fs::canonicalize(&folder).unwrap().join("stage.toml.bak"));
        assert_eq!([&file, &backup].map(|path| fs::read_to_string(path).unwrap()), ["two", "one"]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        replace(&file, b"two", b"three").unwrap();
        assert_eq!(fs::read_to_string(&backup).unwrap(), "two");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_somebody_else_wrote_is_left_alone() {
        let folder = folder("changed");
        let file = folder.join("stage.toml");
        fs::write(&file, "theirs").unwrap();
        let error = replace(&file, b"ours", b"new").unwrap_err().to_string();
        assert!(error.contains("changed by somebody else"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "theirs");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        let gone = replace(&folder.join("gone"), b"", b"").unwrap_err().to_string();
        assert!(gone.contains("cannot write") && gone.contains("is as it was"), "{gone}");
        fs::remove_dir_all(folder).unwrap();
    }
}
