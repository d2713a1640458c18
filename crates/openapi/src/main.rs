//! Prints the OpenAPI document.

fn main() -> anyhow::Result<()> {
    print!("{}", mercato_openapi::document_text()?);
    Ok(())
}
