//! Where files live: a small trait, so that a disk that is full or frozen can be had in a test.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

/// An open file.
pub trait Sink: Read + Write + Seek + Send + Debug {
    /// Forces content and length to the device.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts or lengthens the file.
    fn set_len(&mut self, bytes: u64) -> io::Result<()>;
}

/// A place for files. All its methods may block; they are called from writer threads only.
pub trait Storage: Send + Sync + Debug {
    /// Creates a file that must not exist yet, for reading and writing, and locks it.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Sink>>;
    /// Opens an existing file for reading and writing, and locks it.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Sink>>;
    /// Whether there is such a file.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// Reads a small file whole.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Replaces a small file's content so that a process that dies leaves the old or the new, never a part. It need not
    /// survive a loss of power: then the call is over too.
    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()>;
    /// Gives a file its new name and makes that durable. An existing file of that name is not replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; one that is not there is no error.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// When it was last written.
    fn modified(&self, path: &Path) -> io::Result<SystemTime>;
}

/// The file system.
///
/// Open files carry an advisory lock (`flock`): two processes never write one recording, and a killed process's lock
/// is gone with it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

/// How long to wait for a lock. The former owner in this same process may still be in its last write.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

impl Sink for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }
}

impl Storage for Disk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        lock(&file)?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        lock(&file)?;
        Ok(Box::new(file))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let new = Path::new(&name);
        let written = fs::write(new, content).and_then(|()| fs::rename(new, path));
        if written.is_err() {
            // What failed half-way (a full disk) must not keep its space.
            let _ = fs::remove_file(new);
        }
        written
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        match renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE) {
            Ok(()) => {}
            // File systems that cannot promise it.
            Err(Errno::EINVAL | Errno::ENOSYS) if !to.try_exists()? => fs::rename(from, to)?,
            Err(error) => return Err(error.into()),
        }
        sync_folder(to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        fs::metadata(path)?.modified()
    }
}

fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

fn lock(file: &File) -> io::Result<()> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(fs::TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "locked by somebody else"));
            }
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
    }
}
