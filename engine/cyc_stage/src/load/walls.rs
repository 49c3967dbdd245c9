//! `[[wall]]`.

use super::{Entry, Files, MAX_MESH_BYTES, entry_id, pose};
use crate::geometry::{ArcError, arc_seams, flat_seams, panel_patches};
use crate::mesh::{MeshError, Placement, Up, mesh_patches, read_mesh};
use crate::problem::{Code, Problem};
use crate::stage::{Led, Panel, Patch, Wall};
use crate::suggest;
use crate::tree::{Field, Table, Variant, above_to, from_to};
use nalgebra::Isometry3;

/// The longest side of a wall, pixels.
const MAX_WALL_PX: u32 = 65_536;
/// More panels than any wall has.
const MAX_PANELS: u32 = 65_536;

const SHAPES: [(&str, &str); 3] = [
    ("flat", "shape.flat = { columns = 10, rows = 4 }"),
    ("arc", "shape.arc = { columns = 10, rows = 4, radius_m = 6.0 }"),
    ("mesh", "shape.mesh = { path = \"wall.obj\", width_px = 1920, height_px = 1080 }"),
];

/// Pixels and triangles.
type Surface = ([u32; 2], Vec<Patch>);

pub(super) fn wall(table: &Table<'_>, files: &Files<'_>) -> Entry<Wall> {
    let (id, span) = entry_id(table, "wall");
    let stage_from_wall = pose(table).stage_from_own();
    let panel = table.need("panel", "panel = { width_px = 192, height_px = 192, pitch_mm = 2.6 }");
    let panel = panel.and_then(|f| self::panel(&f));
    let led = table.get("led");
    let places = led.iter().map(|led| ("led", led.table_span())).collect();
    let led = led.and_then(|f| self::led(&f));
    let shape = table.need("shape", SHAPES[0].1);
    let surface = shape.and_then(|f| surface(table, &f, panel.as_ref(), &stage_from_wall, files));
    let whole = || {
        let ((size_px, patches), panel, id) = (surface?, panel?, id.clone()?);
        Some(Wall { id, size_px, panel, stage_from_wall, patches, led })
    };
    let value = whole();
    Entry { id, span, places, value }
}

fn panel(field: &Field<'_>) -> Option<Panel> {
    let table = field.table()?;
    let side = |key, write| table.need(key, write).and_then(|f| f.count(1, 16_384, "px"));
    let width_px = side("width_px", "width_px = 192");
    let height_px = side("height_px", "height_px = 192");
    let pitch_mm = table.need("pitch_mm", "pitch_mm = 2.6").and_then(|f| f.number(above_to(0.0, 1000.0, "mm")));
    Some(Panel { width_px: width_px?, height_px: height_px?, pitch_mm: pitch_mm? })
}

fn led(field: &Field<'_>) -> Option<Led> {
    let table = field.table()?;
    let refresh_hz = table.need("refresh_hz", "refresh_hz = 3840").and_then(|f| f.number(from_to(1.0, 1e6, "Hz")));
    let scan = table.need("scan", "scan = 16").and_then(|f| f.count(1, 1024, ""));
    Some(Led { refresh_hz: refresh_hz?, scan: scan? })
}

fn surface(
    wall: &Table<'_>,
    shape: &Field<'_>,
    panel: Option<&Panel>,
    stage_from_wall: &Isometry3<f64>,
    files: &Files<'_>,
) -> Option<Surface> {
    let (kind, field) = match shape.variant(&SHAPES)? {
        Variant::Known(kind, field) => (kind, field),
        Variant::Unknown(name, span) => {
            let message = format!("{} has shape {name:?}, which does not exist", wall.subject());
            let help = suggest::help(&name, &SHAPES.map(|(kind, _)| kind), "shapes");
            wall.sheet().report(Problem::new(Code::UnknownValue, span, message).label("no such shape").help(help));
            return None;
        }
    };
    let table = field.table()?;
    if kind == "mesh" {
        return mesh(wall, &table, stage_from_wall, files);
    }
    let count = |key, write| table.need(key, write).and_then(|f| Some((f.count(1, MAX_PANELS, "panels")?, f)));
    let (columns, rows) = (count("columns", "columns = 10"), count("rows", "rows = 4"));
    let radius = match kind {
        "arc" => Some(table.need("radius_m", "radius_m = 6.0").and_then(|f| {
            let radius_m = f.number(from_to(-100_000.0, 100_000.0, "m"))?;
            Some((radius_m, f))
        })?),
        _ => None,
    };
    let (panel, (columns, columns_field), (rows, rows_field)) = (panel?, columns?, rows?);
    let size_px = [side(columns, panel.width_px, &columns_field)?, side(rows, panel.height_px, &rows_field)?];
    if u64::from(columns) * u64::from(rows) > u64::from(MAX_PANELS) {
        let message = format!("{} has more than {MAX_PANELS} panels", wall.subject());
        wall.sheet().report(Problem::new(Code::OutOfRange, field.span(), message));
        return None;
    }
    let panel_m = f64::from(panel.width_px) * panel.pitch_mm / 1000.0;
    let seams = match radius {
        None => flat_seams(columns, panel_m),
        Some((radius_m, field)) => arc(wall, &field, columns, panel_m, radius_m)?,
    };
    Some((size_px, panel_patches(&seams, rows, panel, stage_from_wall)))
}

fn side(count: u32, panel_px: u32, field: &Field<'_>) -> Option<u32> {
    let side = count.checked_mul(panel_px).filter(|side| *side <= MAX_WALL_PX);
    if side.is_none() {
        let message = format!("{} x {panel_px} px is more than {MAX_WALL_PX} px", field.name());
        field.report(field.problem(Code::OutOfRange, message).help("make several walls of it"));
    }
    side
}

fn arc(wall: &Table<'_>, field: &Field<'_>, columns: u32, panel_m: f64, radius_m: f64) -> Option<Vec<[f64; 2]>> {
    let subject = wall.subject();
    let problem = match arc_seams(columns, panel_m, radius_m) {
        Ok(seams) => return Some(seams),
        Err(ArcError::PanelTooWide { panel_m, diameter_m }) => {
            let message = format!("{subject}: panels {panel_m} m wide are no chords of a circle {diameter_m} m wide");
            let help = format!("the radius must be at least {} m, or at most -{0} m for a convex wall", panel_m / 2.0);
            field.problem(Code::ArcRadius, message).label("too small for the panels").help(help)
        }
        Err(error @ ArcError::MoreThanFullCircle { .. }) => {
            let least = least_radius(columns, panel_m);
            let help = format!("use fewer columns, or a radius of at least {least:.3} m");
            field.problem(Code::ArcFull, format!("{subject}: {error}")).label("too small for so many").help(help)
        }
    };
    field.report(problem);
    None
}

/// The radius at which so many chords close the circle.
fn least_radius(columns: u32, panel_m: f64) -> f64 {
    panel_m / (2.0 * (std::f64::consts::PI / f64::from(columns)).sin())
}

fn mesh(wall: &Table<'_>, table: &Table<'_>, stage_from_wall: &Isometry3<f64>, files: &Files<'_>) -> Option<Surface> {
    let path = table.need("path", "path = \"meshes/wall.obj\"");
    let name = path.as_ref().and_then(|f| f.text());
    let side = |key, write| table.need(key, write).and_then(|f| f.count(1, MAX_WALL_PX, "px"));
    let (width, height) = (side("width_px", "width_px = 1920"), side("height_px", "height_px = 1080"));
    let up = table.get("up").map_or(Some(Up::Y), |f| f.choice(&[("y", Up::Y), ("z", Up::Z)]));
    let unit_m = table.get("unit_m").map_or(Some(1.0), |f| f.number(above_to(0.0, 1000.0, "m")));
    let v_up = table.get("v").map_or(Some(None), |f| f.choice(&[("up", Some(true)), ("down", Some(false))]));

    let (path, name) = (path?, name?);
    let bytes = match files.read(name) {
        Ok(bytes) if bytes.len() > MAX_MESH_BYTES => {
            Err(format!("it is larger than {} MiB, so it is something else", MAX_MESH_BYTES >> 20))
        }
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(error.to_string()),
    };
    let read = bytes.map_err(MeshError::Unreadable).and_then(|bytes| read_mesh(&bytes));
    let size_px = width.zip(height).map(|(width, height)| [width, height]);
    let placed = read.and_then(|mesh| {
        // The file is read even where a key is wrong, so that what is wrong with it is said too.
        let Some(placement) = placement(up, unit_m, v_up, size_px) else { return Ok(None) };
        mesh_patches(&mesh, &placement, stage_from_wall).map(Some)
    });
    match placed {
        Ok(None) => None,
        Ok(Some((patches, thin))) => {
            warn_thin(wall, &path, name, thin);
            Some((size_px?, patches))
        }
        Err(error) => {
            path.report(mesh_problem(wall, &path, name, &error));
            None
        }
    }
}

fn placement(
    up: Option<Up>,
    unit_m: Option<f64>,
    v_up: Option<Option<bool>>,
    size_px: Option<[u32; 2]>,
) -> Option<Placement> {
    Some(Placement { up: up?, unit_m: unit_m?, v_up: v_up?, size_px: size_px? })
}

fn warn_thin(wall: &Table<'_>, path: &Field<'_>, name: &str, thin: usize) {
    if thin > 0 {
        let message =
            format!("{}: mesh {name:?} has triangles without area ({thin}), which are left out", wall.subject());
        path.report(path.problem(Code::ThinTriangles, message).help("their pixels stay black"));
    }
}

fn mesh_problem(wall: &Table<'_>, path: &Field<'_>, name: &str, error: &MeshError) -> Problem {
    let (code, what, help) = match error {
        MeshError::Unreadable(_) => {
            (Code::MeshFile, "cannot be read", "paths count from the stage file's folder; OBJ and GLB are read")
        }
        MeshError::NoUv(_) => (
            Code::MeshUv,
            "does not say which pixel is where",
            "unwrap it so that the whole picture is 0..1, top left of the wall to bottom right, and export UVs",
        ),
        MeshError::UvRange(_) => (
            Code::MeshUvRange,
            "has texture coordinates that are no picture",
            "every corner needs its own place in 0..1",
        ),
        MeshError::Shape(_) => {
            (Code::MeshShape, "is no surface", "export triangles with an area, in metres or with unit_m")
        }
    };
    let message = format!("{}: mesh {name:?} {what}: {error}", wall.subject());
    path.problem(code, message).help(help)
}
