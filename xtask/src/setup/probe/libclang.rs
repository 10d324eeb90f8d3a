//! Loads libclang as bindgen does, with the same crate, and parses a header with it.

use std::ffi::{CStr, CString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Error, Result, ensure};
use clang_sys::support::Clang;
use clang_sys::*;

use super::ANSWER;

/// Like the header of PostgreSQL's parser, it needs the compiler's own headers too.
const HEADER: &str = "#include <stdbool.h>\n#include <stdint.h>\n#include <sys/types.h>\ntypedef struct { char *message; size_t length; } probe;\n";

/// Prints the expected answer of the check if libclang works.
pub fn load() -> Result<()> {
    clang_sys::load().map_err(Error::msg)?;
    let library = get_library().context("libclang is not loaded")?;
    let path = library.path();
    ensure!(
        clang_createIndex::is_loaded(),
        "{} is not libclang: it lacks clang_createIndex",
        path.display()
    );
    parse().with_context(|| format!("using {}", path.display()))?;
    println!("{ANSWER}");
    Ok(())
}

fn parse() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let header = folder.path().join("probe.h");
    std::fs::write(&header, HEADER)?;
    let file = CString::new(header.as_os_str().as_bytes())?;
    let arguments = search_paths()?;
    let arguments: Vec<*const c_char> = arguments.iter().map(|text| text.as_ptr()).collect();
    let mut unit: CXTranslationUnit = std::ptr::null_mut();
    // SAFETY: the strings outlive the calls, and `unit` is read only if libclang reports that it was created. If the
    // library lacks a function, clang-sys panics.
    let errors = unsafe {
        let index = clang_createIndex(0, 0);
        ensure!(!index.is_null(), "clang_createIndex failed");
        let code = clang_parseTranslationUnit2(
            index,
            file.as_ptr(),
            arguments.as_ptr(),
            c_int::try_from(arguments.len())?,
            std::ptr::null_mut(),
            0,
            CXTranslationUnit_None,
            &mut unit,
        );
        ensure!(code == CXError_Success, "parsing failed with code {code}");
        errors(unit)
    };
    ensure!(errors.is_empty(), "{}", errors.join("; "));
    Ok(())
}

/// The header directories reported by clang; empty if there is no clang, in which case libclang's own are used.
fn search_paths() -> Result<Vec<CString>> {
    let clang = Clang::find(None, &[]);
    let folders = clang.and_then(|clang| clang.c_search_paths);
    let mut arguments = Vec::new();
    for folder in folders.unwrap_or_default() {
        arguments.push(c"-isystem".to_owned());
        arguments.push(text(&folder)?);
    }
    Ok(arguments)
}

fn text(path: &Path) -> Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// # Safety
/// `unit` must be a valid translation unit of libclang.
unsafe fn errors(unit: CXTranslationUnit) -> Vec<String> {
    // SAFETY: indexes below the count are valid, and each string is copied before it is disposed.
    unsafe {
        (0..clang_getNumDiagnostics(unit))
            .map(|number| clang_getDiagnostic(unit, number))
            .filter(|diagnostic| clang_getDiagnosticSeverity(*diagnostic) >= CXDiagnostic_Error)
            .map(|diagnostic| {
                let spelling = clang_getDiagnosticSpelling(diagnostic);
                let text = CStr::from_ptr(clang_getCString(spelling));
                let text = text.to_string_lossy().into_owned();
                clang_disposeString(spelling);
                text
            })
            .collect()
    }
}
