//! `[[output]]`.

use super::{Entry, Places};
use crate::problem::{Code, Problem, Span};
use crate::stage::{Monitor, Output, Rect, Region, Wall, Window};
use crate::tree::{Field, Table, from_to};
use cyc_color::signal::{Gamut, Signal, Transfer};

/// Largest side of an output's picture, pixels.
const MAX_OUTPUT_PX: u32 = 16_384;
/// Largest coordinate in a rectangle, pixels.
const MAX_PX: u32 = 65_536;

const TRANSFERS: [(&str, Transfer); 6] = [
    ("srgb", Transfer::Srgb),
    ("gamma22", Transfer::Gamma22),
    ("gamma24", Transfer::Gamma24),
    ("bt1886", Transfer::Bt1886),
    ("pq", Transfer::Pq),
    ("linear", Transfer::Linear),
];
const GAMUTS: [(&str, Gamut); 4] =
    [("srgb", Gamut::Srgb), ("p3", Gamut::P3), ("rec2020", Gamut::Rec2020), ("ap1", Gamut::Ap1)];

pub(super) fn output(table: &Table<'_>, walls: &[Entry<Wall>]) -> Entry<Output> {
    let id_field = table.get("id");
    let given = id_field.as_ref().map(Field::id);
    let node = table.need("node", "node = \"render-1\"").and_then(|f| f.id());
    if let Some(Some(id)) = &given {
        table.call(format!("output {id:?}"));
    }
    let regions = regions(table, walls);
    let (signal, latency_frames) = signal(table);
    let window = window(table);

    // The first wall names an output without an id, even where something else is wrong.
    let first = regions.as_ref().and_then(|regions| regions.first()).and_then(|region| walls.get(region.wall));
    let named = || Some(format!("{}-{}", node.as_ref()?, first?.id.as_ref()?));
    let id = given.unwrap_or_else(named);
    let span = id_field.map_or(table.span(), |field| field.span());
    let whole = || {
        let regions = regions?;
        let size_px = size(table, &regions)?;
        Some(Output { id: id.clone()?, node: node?, size_px, regions, signal: signal?, latency_frames, window })
    };
    let value = whole();
    Entry { id, span, places: Places::new(), value }
}

fn regions(table: &Table<'_>, walls: &[Entry<Wall>]) -> Option<Vec<Region>> {
    let (wall, wall_px, list) = (table.get("wall"), table.get("wall_px"), table.get("regions"));
    let short = wall.as_ref().or(wall_px.as_ref());
    if let (Some(short), Some(list)) = (short, &list) {
        let message = format!("{} has both wall and regions", table.subject());
        let problem = list.problem(Code::Either, message).label("says which rectangles it carries");
        table.sheet().report(problem.also(short.span(), "says it too").help("keep one of them"));
        return None;
    }
    match list {
        Some(list) => {
            let items = list.any_items()?;
            let places: Vec<Option<(Region, Span)>> = items.iter().map(|item| region(item, walls)).collect();
            let places: Vec<(Region, Span)> = places.into_iter().collect::<Option<_>>()?;
            let fine = check_collisions(table, &places);
            Some(places.into_iter().map(|(region, _)| region).collect()).filter(|_| fine)
        }
        None if wall.is_none() && wall_px.is_none() => {
            let message = format!("{} carries no wall", table.subject());
            let help = "write wall = \"...\", or regions = [{ wall, wall_px, at_px }, ...]";
            table.sheet().report(Problem::new(Code::Either, table.span(), message).help(help));
            None
        }
        None => {
            let wall = wall.or_else(|| table.need("wall", "wall = \"main\""));
            let (wall, wall_px) = rectangle(wall.as_ref(), wall_px.as_ref(), walls)?;
            Some(vec![Region { wall, wall_px, at_px: [0, 0] }])
        }
    }
}

fn region(item: &Field<'_>, walls: &[Entry<Wall>]) -> Option<(Region, Span)> {
    let table = item.table()?;
    let at = table.get("at_px").map_or(Some([0, 0]), |f| {
        let [x, y] = <[Field<'_>; 2]>::try_from(f.items(2)?).ok()?;
        let (x, y) = (x.count(0, MAX_PX, "px"), y.count(0, MAX_PX, "px"));
        Some([x?, y?])
    });
    let wall_px = table.get("wall_px");
    let wall = table.need("wall", "wall = \"main\"");
    let (wall, wall_px) = rectangle(wall.as_ref(), wall_px.as_ref(), walls)?;
    Some((Region { wall, wall_px, at_px: at? }, item.span()))
}

/// A wall by its id, and a rectangle of it, the whole by default.
fn rectangle(wall: Option<&Field<'_>>, wall_px: Option<&Field<'_>>, walls: &[Entry<Wall>]) -> Option<(usize, Rect)> {
    let index = wall.and_then(|wall| Entry::find(walls, wall, Code::UnknownWall, "wall", "shows"));
    let rect = wall_px.map(|field| Some((rect(field)?, field)));
    let index = index?;
    let [width, height] = walls.get(index)?.value.as_ref()?.size_px;
    let (rect, field) = match rect {
        None => return Some((index, Rect { x: 0, y: 0, width, height })),
        Some(rect) => rect?,
    };
    if rect.x + rect.width <= width && rect.y + rect.height <= height {
        return Some((index, rect));
    }
    let id = walls.get(index).and_then(|wall| wall.id.as_deref()).unwrap_or_default();
    let [right, bottom] = [rect.x + rect.width, rect.y + rect.height];
    let message = format!("{} reaches to {right}, {bottom}, outside wall {id:?}", field.name());
    let problem = field.problem(Code::OutsideWall, message);
    field.report(problem.label(format!("the wall is {width} x {height} px")));
    None
}

fn rect(field: &Field<'_>) -> Option<Rect> {
    let table = field.table()?;
    let offset = |key, write| table.need(key, write).and_then(|f| f.count(0, MAX_PX, "px"));
    let (x, y) = (offset("x", "x = 0"), offset("y", "y = 0"));
    let (width, height) = (offset("width", "width = 1920"), offset("height", "height = 1080"));
    let rect = Rect { x: x?, y: y?, width: width?, height: height? };
    if rect.width == 0 || rect.height == 0 {
        let message = format!("{} has no pixels", field.name());
        field.report(field.problem(Code::OutputSize, message).help("width and height are at least 1"));
        return None;
    }
    Some(rect)
}

fn check_collisions(table: &Table<'_>, places: &[(Region, Span)]) -> bool {
    let mut fine = true;
    for (n, (second, span)) in places.iter().enumerate() {
        let Some((_, first)) = places[..n].iter().find(|(first, _)| collide(first, second)) else { continue };
        let message = format!("{}: two regions land on the same pixels", table.subject());
        let problem = Problem::new(Code::RegionsCollide, span.clone(), message).label("lands on the other");
        table.sheet().report(problem.also(first.clone(), "this one").help("move one of them with at_px = [x, y]"));
        fine = false;
    }
    fine
}

fn collide(a: &Region, b: &Region) -> bool {
    let apart = |at_a: u32, size_a: u32, at_b: u32, size_b: u32| at_a + size_a <= at_b || at_b + size_b <= at_a;
    !apart(a.at_px[0], a.wall_px.width, b.at_px[0], b.wall_px.width)
        && !apart(a.at_px[1], a.wall_px.height, b.at_px[1], b.wall_px.height)
}

fn size(table: &Table<'_>, regions: &[Region]) -> Option<[u32; 2]> {
    let width = regions.iter().map(|region| region.at_px[0] + region.wall_px.width).max().unwrap_or(0);
    let height = regions.iter().map(|region| region.at_px[1] + region.wall_px.height).max().unwrap_or(0);
    if (1..=MAX_OUTPUT_PX).contains(&width) && (1..=MAX_OUTPUT_PX).contains(&height) {
        return Some([width, height]);
    }
    let message = format!("{} would be {width} x {height} px", table.subject());
    let label = format!("an output has 1 to {MAX_OUTPUT_PX} px each way");
    let help = "cut the wall into several outputs with wall_px = { x, y, width, height }";
    table.sheet().report(Problem::new(Code::OutputSize, table.span(), message).label(label).help(help));
    None
}

fn latency<'s>(table: &Table<'s>) -> Option<(u32, Field<'s>)> {
    let field = table.get("latency_frames")?;
    Some((field.count(0, 120, "frames")?, field))
}

/// The signal and its latency; `None` after a report.
fn signal(output: &Table<'_>) -> (Option<Signal>, u32) {
    let outside = latency(output);
    let field = output.get("signal");
    let Some(table) = field.as_ref().and_then(Field::table) else {
        return (field.is_none().then(Signal::default), outside.map_or(0, |(frames, _)| frames));
    };
    let inside = latency(&table);
    if let (Some((_, outside)), Some((_, inside))) = (&outside, &inside) {
        let message = format!("{} says latency_frames twice", output.subject());
        let problem = outside.problem(Code::Either, message).label("here").also(inside.span(), "and here");
        outside.report(problem.help("keep the one in signal"));
    }
    let usual = Signal::default();
    let transfer = table.get("transfer").map_or(Some(usual.transfer), |f| f.choice(&TRANSFERS));
    let gamut = table.get("gamut").map_or(Some(usual.gamut), |f| f.choice(&GAMUTS));
    let peak_nits = table.get("peak_nits").map_or(Some(usual.peak_nits), |f| f.number(from_to(1.0, 10_000.0, "cd/m2")));
    let bits = table.get("bits").map_or(Some(usual.bits), |f| bits(&f));
    let whole = || Some(Signal { transfer: transfer?, gamut: gamut?, peak_nits: peak_nits?, bits: bits? });
    (whole(), inside.or(outside).map_or(0, |(frames, _)| frames))
}

fn bits(field: &Field<'_>) -> Option<u8> {
    match field.whole(0, 64, "")? {
        8 => Some(8),
        10 => Some(10),
        other => {
            let message = format!("{} is {other}, but must be 8 or 10", field.name());
            field.report(field.problem(Code::OutOfRange, message).label("must be 8 or 10"));
            None
        }
    }
}

fn window(table: &Table<'_>) -> Window {
    let monitor = table.get("monitor").and_then(|f| match f.value().as_str() {
        Some(name) => Some(Monitor::Name(name.to_owned())),
        None => f.count(0, 63, "").map(|index| Monitor::Index(index as usize)),
    });
    let coordinate = |f: &Field<'_>| i32::try_from(f.whole(-65_536, 65_536, "px")?).ok();
    let position_px = table.get("position_px").and_then(|f| {
        let [x, y] = <[Field<'_>; 2]>::try_from(f.items(2)?).ok()?;
        let (x, y) = (coordinate(&x), coordinate(&y));
        Some([x?, y?])
    });
    Window { monitor, position_px }
}
