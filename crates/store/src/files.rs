//! Files and folders that only their owner can read from the moment they are created.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// The permissions of a group and of others.
const OTHERS: u32 = 0o077;

/// Creates a folder and its missing parents.
///
/// # Errors
///
/// As [`DirBuilder::create`].
pub fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Creates a file in place of a leftover of the same name. It never opens a file or a link that another user created
/// there.
///
/// # Errors
///
/// As [`OpenOptions::open`] with `create_new`.
pub fn replace(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Creates an empty file if it is missing, or removes the permissions of others from it.
///
/// # Errors
///
/// As [`OpenOptions::open`], and if the file belongs to another user.
pub fn keep_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => tighten(path).map(drop),
        Err(error) => Err(error),
    }
}

/// Removes the permissions of others from a file or folder. Returns whether they had any, which is `false` if it is
/// missing.
///
/// # Errors
///
/// If it belongs to another user.
pub fn tighten(path: &Path) -> io::Result<bool> {
    let mode = match fs::metadata(path) {
        Ok(found) => found.permissions().mode(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if mode & OTHERS == 0 {
        return Ok(false);
    }
    fs::set_permissions(path, Permissions::from_mode(mode & 0o7777 & !OTHERS))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("is there").permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_its_owners_and_what_is_there_becomes_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        keep_private(&path).expect("is made");
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o664)).expect("is ours");
        fs::write(&path, "kept").expect("writes");
        keep_private(&path).expect("is tightened");
        assert_eq!(
            (mode(&path), fs::read_to_string(&path).expect("reads")),
            (0o600, "kept".into())
        );
        // A link that was left there is not followed.
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "theirs").expect("writes");
        fs::remove_file(&path).expect("goes");
        std::os::unix::fs::symlink(&elsewhere, &path).expect("links");
        drop(replace(&path).expect("is made"));
        assert_eq!(fs::read_to_string(&elsewhere).expect("reads"), "theirs");
        assert_eq!(mode(&path), 0o600);
        make_folder(&folder.path().join("a/b")).expect("are made");
        assert_eq!(mode(&folder.path().join("a/b")), 0o700);
    }
}
