//! Typed numbers out of a GLB's binary chunk, checked before they are read.
//!
//! Source: glTF 2.0, section 3.6.2 (accessors, normalized integers, sparse).

use gltf::accessor::{Accessor, DataType, sparse::IndexType};

/// Why an accessor cannot be read, in one phrase.
pub type Reason = String;

/// The bytes of `count` elements of `size` bytes, `stride` apart.
struct Run<'a> {
    bytes: &'a [u8],
    stride: usize,
    size: usize,
}

impl<'a> Run<'a> {
    fn new(
        view: &gltf::buffer::View<'_>,
        offset: usize,
        size: usize,
        count: usize,
        blob: &'a [u8],
    ) -> Result<Self, Reason> {
        let stride = view.stride().unwrap_or(size);
        let outside = || "an accessor reaches outside the binary chunk (truncated?)".to_owned();
        let needed = stride.checked_mul(count.saturating_sub(1)).and_then(|n| n.checked_add(size));
        let end = needed.and_then(|n| n.checked_add(offset)).filter(|end| *end <= view.length()).ok_or_else(outside)?;
        let whole = view.offset().checked_add(end).ok_or_else(outside)?;
        let bytes = blob.get(view.offset() + offset..whole).ok_or_else(outside)?;
        if stride < size {
            return Err("a buffer view's stride is smaller than its elements".into());
        }
        Ok(Self { bytes, stride, size })
    }

    /// The `i`-th element; in bounds for every `i` below `count`.
    fn element(&self, i: usize) -> &'a [u8] {
        &self.bytes[i * self.stride..i * self.stride + self.size]
    }
}

/// One component as a float; normalized integers become 0..1 or -1..1.
fn number(bytes: &[u8], kind: DataType, normalized: bool) -> f32 {
    let pair = || [bytes[0], bytes[1]];
    let quad = || [bytes[0], bytes[1], bytes[2], bytes[3]];
    let (value, full) = match kind {
        DataType::F32 => return f32::from_le_bytes(quad()),
        DataType::U8 => (f32::from(bytes[0]), 255.0),
        DataType::I8 => (f32::from(bytes[0] as i8), 127.0),
        DataType::U16 => (f32::from(u16::from_le_bytes(pair())), 65_535.0),
        DataType::I16 => (f32::from(i16::from_le_bytes(pair())), 32_767.0),
        DataType::U32 => (u32::from_le_bytes(quad()) as f32, 1.0),
    };
    if normalized { (value / full).max(-1.0) } else { value }
}

/// Elements that an accessor may hold: an operator's scene has fewer, a broken header more.
const MAX_COUNT: usize = 100_000_000;

fn check_count(accessor: &Accessor<'_>, blob: &[u8]) -> Result<usize, Reason> {
    let count = accessor.count();
    // Without a view the elements are zeros that cost no bytes in the file; bound them by it all the same.
    if count == 0 || count > MAX_COUNT || (accessor.view().is_none() && count > blob.len().max(1024)) {
        return Err(format!("an accessor with {count} elements"));
    }
    Ok(count)
}

/// Vectors of `N` floats, whatever the components are stored as.
///
/// # Errors
/// A phrase that says what is wrong.
pub fn vectors<const N: usize>(accessor: &Accessor<'_>, blob: &[u8]) -> Result<Vec<[f32; N]>, Reason> {
    let count = check_count(accessor, blob)?;
    if accessor.dimensions().multiplicity() != N {
        return Err(format!("an accessor of {:?} where {N} numbers are expected", accessor.dimensions()));
    }
    let (kind, normalized) = (accessor.data_type(), accessor.normalized());
    let (step, size) = (kind.size(), kind.size() * N);
    let read = |element: &[u8]| -> [f32; N] { std::array::from_fn(|i| number(&element[i * step..], kind, normalized)) };
    let mut out = match accessor.view() {
        Some(view) => {
            let run = Run::new(&view, accessor.offset(), size, count, blob)?;
            (0..count).map(|i| read(run.element(i))).collect()
        }
        None => vec![[0.0; N]; count],
    };
    for (at, element) in sparse(accessor, size, blob)? {
        *out.get_mut(at).ok_or("a sparse index beyond its accessor")? = read(element);
    }
    if out.iter().flatten().any(|x| !x.is_finite()) {
        return Err("an accessor holds numbers that are not finite".into());
    }
    Ok(out)
}

/// Vertex indices.
///
/// # Errors
/// A phrase that says what is wrong.
pub fn indices(accessor: &Accessor<'_>, blob: &[u8]) -> Result<Vec<u32>, Reason> {
    let count = check_count(accessor, blob)?;
    let kind = accessor.data_type();
    if accessor.dimensions().multiplicity() != 1 {
        return Err("indices that are not scalars".into());
    }
    let read: fn(&[u8]) -> u32 = match kind {
        DataType::U8 => |b| u32::from(b[0]),
        DataType::U16 => |b| u32::from(u16::from_le_bytes([b[0], b[1]])),
        DataType::U32 => |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]),
        _ => return Err("indices that are not unsigned integers".into()),
    };
    let mut out = match accessor.view() {
        Some(view) => {
            let run = Run::new(&view, accessor.offset(), kind.size(), count, blob)?;
            (0..count).map(|i| read(run.element(i))).collect()
        }
        None => vec![0; count],
    };
    for (at, element) in sparse(accessor, kind.size(), blob)? {
        *out.get_mut(at).ok_or("a sparse index beyond its accessor")? = read(element);
    }
    Ok(out)
}

/// The elements that a sparse accessor replaces, by index.
fn sparse<'a>(accessor: &Accessor<'_>, size: usize, blob: &'a [u8]) -> Result<Vec<(usize, &'a [u8])>, Reason> {
    let Some(sparse) = accessor.sparse() else { return Ok(Vec::new()) };
    let count = sparse.count();
    if count == 0 || count > accessor.count() {
        return Err(format!("a sparse accessor with {count} elements"));
    }
    let places = sparse.indices();
    let (kind, place_size) = (places.index_type(), places.index_type().size());
    let places = Run::new(&places.view(), places.offset(), place_size, count, blob)?;
    let values = sparse.values();
    let values = Run::new(&values.view(), values.offset(), size, count, blob)?;
    let place = |b: &[u8]| match kind {
        IndexType::U8 => usize::from(b[0]),
        IndexType::U16 => usize::from(u16::from_le_bytes([b[0], b[1]])),
        IndexType::U32 => u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize,
    };
    Ok((0..count).map(|i| (place(places.element(i)), values.element(i))).collect())
}
