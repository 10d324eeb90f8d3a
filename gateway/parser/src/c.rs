//! The calls into libpg_query that `pg_raw_parse` does not offer.
//!
//! Safety, for the whole module:
//! * PostgreSQL reports an error by a longjmp to the innermost PG_TRY, and ends the process where there is none. Every
//!   function that is called here has a PG_TRY in C around what a text can make fail, so no jump crosses a Rust frame. What
//!   is outside of it (creating contexts, writing JSON) fails only when malloc returns NULL, or for more than 1 GiB of
//!   JSON, which `plpgsql` excludes by the length of its text. Without memory the process ends, as Rust's does.
//! * PostgreSQL's state (current memory context, error stack, settings) is thread-local in libpg_query. No closure or
//!   callback runs while a context is current, so no Rust code can panic there.
//! * A tree lives in a context of its own that has no parent. It is never written after `parse` returns, so it may be read
//!   from any thread, and freed on any: freed contexts are kept in a list of the thread that frees them.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::{self, NonNull};

use pg_raw_parse::list::{CastNodeList, NodeList};
use pg_raw_parse::{Node, nodes, raw};

use crate::Error;

/// PG_QUERY_DISABLE_STANDARD_CONFORMING_STRINGS (pg_query.h).
const NONSTANDARD_STRINGS: c_int = 32;

/// A memory context without parent, which owns all nodes of a tree.
struct Context(raw::MemoryContext);

impl Context {
    fn new() -> Self {
        // SAFETY: the name is static, and the parent may be NULL (src/backend/utils/mmgr/README). See the module for
        // threads and failure.
        unsafe {
            raw::pg_query_init();
            Self(raw::AllocSetContextCreateInternal(
                ptr::null_mut(),
                c"gatewright".as_ptr(),
                raw::ALLOCSET_DEFAULT_MINSIZE as raw::Size,
                raw::ALLOCSET_DEFAULT_INITSIZE as raw::Size,
                raw::ALLOCSET_DEFAULT_MAXSIZE as raw::Size,
            ))
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context was created by `new`, is not current, and nothing refers to its memory any longer: `List`
        // lends nodes only for its own lifetime. `pg_query_init` prepares a thread that has not parsed yet.
        unsafe {
            raw::pg_query_init();
            raw::MemoryContextDelete(self.0);
        }
    }
}

/// The list of RawStmt nodes of a text.
pub(crate) struct List {
    /// NULL for an empty list.
    list: *const NodeList,
    _context: Context,
}

// SAFETY: see the module: trees are immutable and contexts belong to no thread.
unsafe impl Send for List {}
// SAFETY: as above.
unsafe impl Sync for List {}

impl List {
    pub fn get(&self) -> Option<&NodeList> {
        // SAFETY: a pointer from the parser is NULL or a List; NodeList has the layout of List (asserted by
        // pg_raw_parse at compile time). It lives as long as the context that `self` owns.
        unsafe { self.list.as_ref() }
    }
}

/// Parses with standard_conforming_strings on or off.
pub(crate) fn parse(text: &str, standard_conforming_strings: bool) -> Result<List, Error> {
    let text = CString::new(text).map_err(|_| Error::ZeroByte)?;
    let context = Context::new();
    let options = match standard_conforming_strings {
        true => 0,
        false => NONSTANDARD_STRINGS,
    };
    // SAFETY: the text ends with a zero byte; the previous context is current again before anything else runs.
    let result = unsafe {
        let outer = raw::MemoryContextSwitchTo(context.0);
        let result = raw::pg_query_raw_parse(text.as_ptr(), options);
        raw::MemoryContextSwitchTo(outer);
        result
    };
    // SAFETY: libpg_query allocates it with strdup and leaves it to the caller; NULL is allowed.
    unsafe { free(result.stderr_buffer) };
    if !standard_conforming_strings && !result.error.is_null() {
        restore_settings();
    }
    match error(result.error) {
        Some(error) => Err(error),
        None => Ok(List {
            list: result.tree.cast_const().cast(),
            _context: context,
        }),
    }
}

/// After an error libpg_query keeps the settings of the parse, which `pg_query_scan` and `pg_query_normalize` then use.
fn restore_settings() {
    let context = Context::new();
    // SAFETY: as in `parse`; the text is empty, so there is neither a tree nor an error.
    unsafe {
        let outer = raw::MemoryContextSwitchTo(context.0);
        let result = raw::pg_query_raw_parse(c"".as_ptr(), 0);
        raw::MemoryContextSwitchTo(outer);
        free(result.stderr_buffer);
    }
}

/// The list without the type of its elements. `pg_raw_parse` takes the types from comments in PostgreSQL's headers and
/// panics if an element has another type, or is NULL.
pub(crate) fn untyped<T>(list: &CastNodeList<T>) -> &NodeList {
    // SAFETY: CastNodeList is a transparent wrapper of NodeList.
    unsafe { &*ptr::from_ref(list).cast() }
}

/// The number of the node's kind.
pub(crate) fn tag(node: Node<'_>) -> u32 {
    // SAFETY: Node is `repr(u32)`, so it begins with its discriminant (Rust Reference, Type Layout).
    unsafe { *ptr::from_ref(&node).cast::<u32>() }
}

/// CREATE FOREIGN TABLE, for which `pg_raw_parse` has no kind of node: it is a CreateStmt with more fields.
#[repr(C)]
pub struct CreateForeignTableStmt {
    base: nodes::CreateStmt,
    servername: *mut c_char,
    options: *mut NodeList,
}

impl CreateForeignTableStmt {
    /// The node as a CREATE FOREIGN TABLE, if it is one.
    pub fn of(node: Node<'_>) -> Option<&Self> {
        match node {
            Node::Invalid(node) if node.type_ == raw::NodeTag::T_CreateForeignTableStmt => {
                // SAFETY: the tag tells the type, whose layout is that of parsenodes.h in PostgreSQL 18.
                Some(unsafe { &*ptr::from_ref(node).cast() })
            }
            _ => None,
        }
    }

    /// What it has in common with CREATE TABLE.
    pub fn base(&self) -> &nodes::CreateStmt {
        &self.base
    }

    /// The name of the server.
    pub fn servername(&self) -> Option<&str> {
        let name = NonNull::new(self.servername)?;
        // SAFETY: a string of the tree, which lives as long as the node.
        unsafe { CStr::from_ptr(name.as_ptr()) }.to_str().ok()
    }

    /// OPTIONS.
    pub fn options(&self) -> Option<&NodeList> {
        // SAFETY: NULL or a list of the tree, which lives as long as the node.
        unsafe { self.options.as_ref() }
    }
}

/// PostgreSQL's tokens, as the protobuf message ScanResult.
pub(crate) fn scan(text: &str) -> Result<Vec<u8>, Error> {
    let text = CString::new(text).map_err(|_| Error::ZeroByte)?;
    // SAFETY: the text ends with a zero byte. `data` has `len` bytes until the result is freed.
    unsafe {
        let result = pg_query_scan(text.as_ptr());
        // The error is copied before it is freed with the rest.
        let outcome = match error_of(result.error) {
            Some(error) => Err(error),
            None if result.data.is_null() => Ok(Vec::new()),
            None => Ok(std::slice::from_raw_parts(result.data.cast::<u8>(), result.len).to_vec()),
        };
        pg_query_free_scan_result(result);
        outcome
    }
}

/// The functions of a text in PL/pgSQL, as JSON.
pub(crate) fn plpgsql(text: &str) -> Result<String, Error> {
    let text = CString::new(text).map_err(|_| Error::ZeroByte)?;
    // SAFETY: as in `scan`; the JSON ends with a zero byte.
    unsafe {
        let result = pg_query_parse_plpgsql(text.as_ptr());
        let outcome = match error_of(result.error) {
            Some(error) => Err(error),
            None if result.functions.is_null() => Err(Error::Unreadable),
            None => owned(result.functions).ok_or(Error::Unreadable),
        };
        pg_query_free_plpgsql_parse_result(result);
        outcome
    }
}

/// Gives memory that freed trees leave in the C library's heap back to the system.
pub fn release_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim(3) has no preconditions and may be called from any thread.
    unsafe {
        malloc_trim(0);
    }
}

/// Takes an error from libpg_query and frees it.
fn error(error: *mut raw::PgQueryError) -> Option<Error> {
    // SAFETY: the pointer is NULL or an error that libpg_query leaves to the caller, freed once.
    unsafe {
        let found = error_of(error);
        if !error.is_null() {
            raw::pg_query_free_error(error);
        }
        found
    }
}

/// # Safety
/// The pointer is NULL or a valid error.
unsafe fn error_of(error: *const raw::PgQueryError) -> Option<Error> {
    // SAFETY: by the contract of this function; the message is NULL or a C string.
    let (message, position) = unsafe {
        let error = error.as_ref()?;
        (owned(error.message).unwrap_or_default(), error.cursorpos)
    };
    Some(match message {
        deep if deep.contains("stack depth") || deep.contains("memory exhausted") => Error::TooDeep,
        message => Error::Syntax {
            message,
            position: u32::try_from(position).unwrap_or(0),
        },
    })
}

/// # Safety
/// The pointer is NULL or a C string.
unsafe fn owned(text: *const c_char) -> Option<String> {
    let text = NonNull::new(text.cast_mut())?;
    // SAFETY: by the contract of this function.
    let text = unsafe { CStr::from_ptr(text.as_ptr()) };
    Some(text.to_string_lossy().into_owned())
}

/// PgQueryScanResult.
#[repr(C)]
struct ScanResult {
    len: usize,
    data: *mut c_char,
    stderr_buffer: *mut c_char,
    error: *mut raw::PgQueryError,
}

/// PgQueryPlpgsqlParseResult.
#[repr(C)]
struct PlpgsqlResult {
    functions: *mut c_char,
    error: *mut raw::PgQueryError,
}

/// libpg_query is configured for a C library that has this function, which glibc has since 2.38.
///
/// # Safety
/// `from` is a C string, and `to` has room for `size` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlcpy(to: *mut c_char, from: *const c_char, size: usize) -> usize {
    // SAFETY: by the contract of this function, which is that of strlcpy(3).
    unsafe {
        let length = CStr::from_ptr(from).count_bytes();
        if let Some(most) = size.checked_sub(1) {
            let copied = length.min(most);
            ptr::copy_nonoverlapping(from, to, copied);
            *to.add(copied) = 0;
        }
        length
    }
}

// As in pg_query.h of the libpg_query that pg_raw_parse links. `free` is the allocator's that libpg_query uses.
unsafe extern "C" {
    fn pg_query_scan(text: *const c_char) -> ScanResult;
    fn pg_query_free_scan_result(result: ScanResult);
    fn pg_query_parse_plpgsql(text: *const c_char) -> PlpgsqlResult;
    fn pg_query_free_plpgsql_parse_result(result: PlpgsqlResult);
    fn free(memory: *mut c_char);
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn malloc_trim(keep: usize) -> c_int;
}
