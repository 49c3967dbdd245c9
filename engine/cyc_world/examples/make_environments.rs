//! Writes the shipped environments: `cargo run -p cyc_world --example make_environments -- environments`.

use cyc_world::shipped::{DUSK_RIDGE_WIDTH, PLAZA_SKY_WIDTH, dusk_ridge, plaza};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: make_environments OUTDIR")?;
    let folder = Path::new(&folder);
    let ridge = folder.join("dusk-ridge.png");
    let painting = dusk_ridge::paint(&dusk_ridge::DUSK, DUSK_RIDGE_WIDTH);
    let (width, height) = (DUSK_RIDGE_WIDTH as u32, DUSK_RIDGE_WIDTH as u32 / 2);
    image::save_buffer(&ridge, &painting.rgb8(), width, height, image::ExtendedColorType::Rgb8)?;
    println!("{}: {} bytes", ridge.display(), std::fs::metadata(&ridge)?.len());
    let scene = plaza::plaza_glb(PLAZA_SKY_WIDTH)?;
    std::fs::write(folder.join("plaza.glb"), &scene)?;
    println!("{}: {} bytes", folder.join("plaza.glb").display(), scene.len());
    Ok(())
}
