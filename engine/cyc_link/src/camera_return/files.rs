//! A folder of pictures and their time stamps.
//!
//! Either the folder holds [`LIST`], a line a picture: `file,begin_ns`, `file,middle_ns` or `file,end_ns` (the header
//! says which part of the exposure the stamps are), or `file,begin_timecode` and so on, for a camera whose timecode
//! and shutter are the stage's: a label then stands for the tick of the frame that had it. Empty lines and lines that
//! begin with `#` are left out. Or the pictures are called `NAME@NANOSECONDS.png` (or .jpg, .jpeg), which is when they
//! begin. Nanoseconds are stage time.

use super::luma::decoded;
use super::{ReturnError, ReturnedPicture, ReturnedPictures, StampOf};
use cyc_core::StageTime;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The list of a folder's pictures.
pub const LIST: &str = "pictures.csv";
/// The largest list and the largest picture that are read, bytes.
const MAX_LIST_BYTES: u64 = 16 << 20;
const MAX_PICTURE_BYTES: u64 = 256 << 20;

/// The pictures of a folder, in the order of their stamps.
#[derive(Debug)]
pub struct FolderPictures {
    of: StampOf,
    /// Latest first.
    left: Vec<(StageTime, PathBuf)>,
}

impl FolderPictures {
    /// Reads the stamps of a folder's pictures. `ticks` are the instants of labels, as the reports of the stage's
    /// frames give them (`timecode`, `tick_ns`); only lists with timecode need them.
    ///
    /// # Errors
    /// A folder without pictures, a list with a wrong line.
    pub fn open(folder: &Path, ticks: &BTreeMap<String, StageTime>) -> Result<Self, ReturnError> {
        let list = folder.join(LIST);
        let (of, mut left) = if list.exists() {
            let text =
                String::from_utf8(read(&list, MAX_LIST_BYTES)?).map_err(|_| at(&list, 1, "is not UTF-8 text"))?;
            listed(&list, &text, ticks)?
        } else {
            (StampOf::Begin, named(folder)?)
        };
        if left.is_empty() {
            return Err(ReturnError::Empty { path: folder.to_owned() });
        }
        left.sort();
        left.reverse();
        Ok(Self { of, left })
    }

    /// How many are left.
    pub fn len(&self) -> usize {
        self.left.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }
}

impl ReturnedPictures for FolderPictures {
    fn next(&mut self) -> Result<Option<ReturnedPicture>, ReturnError> {
        let Some((stamp, path)) = self.left.pop() else { return Ok(None) };
        let bytes = read(&path, MAX_PICTURE_BYTES)?;
        let picture = |why| ReturnError::Picture { name: path.display().to_string(), why };
        let (size_px, luma) = decoded(&bytes).map_err(picture)?;
        Ok(Some(ReturnedPicture { size_px, luma, stamp, of: self.of }))
    }
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, ReturnError> {
    let error = |source| ReturnError::Read { path: path.to_owned(), source };
    let length = fs::metadata(path).map_err(error)?.len();
    if length > most {
        let what = format!("{length} bytes are more than the {most} that are read");
        return Err(error(std::io::Error::other(what)));
    }
    fs::read(path).map_err(error)
}

fn at(list: &Path, line: usize, what: impl Into<String>) -> ReturnError {
    ReturnError::List { path: list.to_owned(), line, what: what.into() }
}

/// The stamps of a list.
fn listed(
    list: &Path,
    text: &str,
    ticks: &BTreeMap<String, StageTime>,
) -> Result<(StampOf, Vec<(StageTime, PathBuf)>), ReturnError> {
    let folder = list.parent().unwrap_or(Path::new(""));
    let lines = text.lines().enumerate().map(|(n, line)| (n + 1, line.trim()));
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let Some((number, header)) = lines.next() else { return Ok((StampOf::Begin, Vec::new())) };
    let Some((of, labels)) = column(header) else {
        let what =
            format!("{header:?} is no header; write \"file,begin_ns\" (or middle_ns, end_ns, begin_timecode ...)");
        return Err(at(list, number, what));
    };
    let stamp = |(number, line): (usize, &str)| {
        let (file, stamp) = line.rsplit_once(',').ok_or_else(|| at(list, number, "needs a file and a stamp"))?;
        let (file, stamp) = (file.trim().trim_matches('"'), stamp.trim());
        let instant = if labels {
            ticks.get(stamp).copied().ok_or_else(|| format!("no frame of the stage had the timecode {stamp:?}"))
        } else {
            stamp.parse().map(StageTime).map_err(|_| format!("{stamp:?} is not a whole number of nanoseconds"))
        };
        Ok((instant.map_err(|what| at(list, number, what))?, folder.join(file)))
    };
    Ok((of, lines.map(stamp).collect::<Result<_, _>>()?))
}

/// What the second column holds: which part of the exposure, and whether labels.
fn column(header: &str) -> Option<(StampOf, bool)> {
    let (file, name) = header.split_once(',')?;
    let (part, unit) = name.trim().split_once('_')?;
    let of = match part {
        "begin" => StampOf::Begin,
        "middle" => StampOf::Middle,
        "end" => StampOf::End,
        _ => return None,
    };
    (file.trim() == "file" && matches!(unit, "ns" | "timecode")).then_some((of, unit == "timecode"))
}

/// The pictures whose names end in a stamp.
fn named(folder: &Path) -> Result<Vec<(StageTime, PathBuf)>, ReturnError> {
    let error = |source| ReturnError::Read { path: folder.to_owned(), source };
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(error)? {
        let path = entry.map_err(error)?.path();
        let known = path.extension().and_then(|kind| kind.to_str()).map(str::to_ascii_lowercase);
        let stamp = path.file_stem().and_then(|stem| stem.to_str()?.rsplit_once('@')?.1.parse().ok());
        if let (Some("png" | "jpg" | "jpeg"), Some(nanos)) = (known.as_deref(), stamp) {
            all.push((StageTime(nanos), path));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, Luma};

    /// A folder of its own that goes away again.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("cyc_link-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn picture(&self, name: &str, value: u8) {
            GrayImage::from_pixel(4, 3, Luma([value])).save(self.0.join(name)).unwrap();
        }

        fn list(&self, text: &str) {
            fs::write(self.0.join(LIST), text).unwrap();
        }

        fn open(&self) -> Result<FolderPictures, ReturnError> {
            let ticks = BTreeMap::from([("01:00:00:05".to_string(), StageTime(77))]);
            FolderPictures::open(&self.0, &ticks)
        }

        fn refusal(&self) -> String {
            self.open().unwrap_err().to_string()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn all(mut pictures: FolderPictures) -> Vec<(i64, StampOf, u8)> {
        let mut all = Vec::new();
        while let Some(picture) = pictures.next().unwrap() {
            assert_eq!((picture.size_px, picture.luma.len()), ([4, 3], 12));
            all.push((picture.stamp.0, picture.of, (picture.luma[0] * 255.0).round() as u8));
        }
        all
    }

    #[test]
    fn a_list_gives_order_and_stamps() {
        let folder = Folder::new("list");
        folder.picture("a.png", 10);
        folder.picture("b, late.png", 20);
        folder.list("# camera A\nfile,middle_ns\r\nb, late.png, 900\n\na.png,-5\n");
        assert_eq!(all(folder.open().unwrap()), [(-5, StampOf::Middle, 10), (900, StampOf::Middle, 20)]);
        folder.list("file,end_timecode\na.png,01:00:00:05\n");
        assert_eq!(all(folder.open().unwrap()), [(77, StampOf::End, 10)]);
    }

    #[test]
    fn names_may_hold_the_stamps() {
        let folder = Folder::new("names");
        folder.picture("shot@2000.png", 2);
        folder.picture("shot@1000.JPG", 200);
        folder.picture("without.png", 9);
        let all = all(folder.open().unwrap());
        assert_eq!([all[0].0, all[1].0], [1000, 2000]);
        assert_eq!((all.len(), all[1].1, all[1].2), (2, StampOf::Begin, 2));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let folder = Folder::new("wrong");
        assert!(folder.refusal().contains("holds no pictures with time stamps: write pictures.csv"));
        folder.list("picture,time\n");
        assert!(folder.refusal().contains("pictures.csv:1: \"picture,time\" is no header"));
        folder.list("file,begin_ns\n\na.png,1.5\n");
        assert!(folder.refusal().contains("pictures.csv:3: \"1.5\" is not a whole number"));
        folder.list("file,begin_ns\na.png\n");
        assert!(folder.refusal().contains("pictures.csv:2: needs a file and a stamp"));
        folder.list("file,begin_timecode\na.png,09:00:00:00\n");
        assert!(folder.refusal().contains("no frame of the stage had the timecode \"09:00:00:00\""));
        folder.list("file,begin_ns\ngone.png,1\n");
        let missing = folder.open().unwrap().next().unwrap_err().to_string();
        assert!(missing.contains("cannot read") && missing.contains("gone.png"), "{missing}");
        fs::write(folder.0.join("gone.png"), "text").unwrap();
        let broken = folder.open().unwrap().next().unwrap_err().to_string();
        assert!(broken.contains("gone.png is no picture"), "{broken}");
        let nowhere = FolderPictures::open(&folder.0.join("nowhere"), &BTreeMap::new()).unwrap_err();
        assert!(nowhere.to_string().contains("cannot read"), "{nowhere}");
    }
}
