//! Writes the shipped environments: `cargo run -p cyc_world --example make_environments -- environments`.

use cyc_world::shipped::dusk_ridge;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: make_environments OUTDIR [WIDTH]")?;
    let width = std::env::args().nth(2).map_or(Ok(2048), |text| text.parse())?;
    let painting = dusk_ridge::paint(&dusk_ridge::DUSK, width);
    let path = Path::new(&folder).join("dusk-ridge.png");
    image::save_buffer(&path, &painting.rgb8(), width as u32, width as u32 / 2, image::ExtendedColorType::Rgb8)?;
    println!("{}: {} bytes", path.display(), std::fs::metadata(&path)?.len());
    Ok(())
}
