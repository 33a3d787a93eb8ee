//! JSON schemas to masks over a vocabulary, for gpu-worker/grammar/: a thin C ABI over the crate `llguidance` (MIT).
//!
//! One instance of this module holds one vocabulary and one compiled schema. What goes wrong in it (memory that runs
//! out, a panic) traps, and then the host throws the instance away: nobody else's is touched.

use std::cell::RefCell;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use llguidance::api::TopLevelGrammar;
use llguidance::{JsonCompileOptions, Matcher, ParserFactory};
use toktrie::{ApproximateTokEnv, InferenceCapabilities, TokEnv, TokRxInfo, TokTrie};

/// Tokens that are plain text of a JSON string are looked up together, not one by one.
const TEXT_SLICE: &str = r#"[^"\\\x00-\x1F\x7F]{1,30}"#;
/// Work on one mask, in the crate's units: some 14,000 a millisecond.
const STEP_LEXER_FUEL: u64 = 100_000;
/// Symbols of a grammar: a schema of 128 kB has some 100,000.
const MAX_GRAMMAR_SIZE: usize = 200_000;
/// How the crate is told how JSON is written; see `JsonCompileOptions`.
const ITEM_SEPARATOR: &str = ", ";
const KEY_SEPARATOR: &str = ": ";

#[derive(Default)]
struct State {
    factory: Option<ParserFactory>,
    /// Why the last call failed.
    message: String,
    /// The last mask.
    mask: Vec<u32>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Reserves `length` bytes, for good.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(length: usize) -> *mut u8 {
    Box::leak(vec![0; length].into_boxed_slice()).as_mut_ptr()
}

/// Takes the vocabulary: token i has `lengths[i]` of the bytes that lie one after the other at `bytes`; a token
/// without bytes is never allowed, but for those of `ends`, which end an answer.
///
/// # Safety
/// All that is pointed to is within the memory, and written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn load_vocabulary(
    lengths: *const u16,
    tokens: usize,
    mut bytes: *const u8,
    ends: *const u32,
    end_count: usize,
) {
    let mut words = Vec::with_capacity(tokens);
    for &length in unsafe { std::slice::from_raw_parts(lengths, tokens) } {
        words.push(unsafe { std::slice::from_raw_parts(bytes, length as usize) }.to_vec());
        bytes = unsafe { bytes.add(length as usize) };
    }
    let ends = unsafe { std::slice::from_raw_parts(ends, end_count) };
    let trie = TokTrie::from(&TokRxInfo::new(tokens as u32, ends[0]), &words).with_eos_tokens(ends);
    let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
    let slices = [TEXT_SLICE.to_string()];
    let mut factory = ParserFactory::new(&environment, InferenceCapabilities::default(), &slices)
        .expect("the slice is a regular expression");
    factory.quiet();
    let limits = factory.limits_mut();
    limits.verbose_errors = false;
    limits.step_lexer_fuel = STEP_LEXER_FUEL;
    limits.max_grammar_size = MAX_GRAMMAR_SIZE;
    STATE.with_borrow_mut(|state| state.factory = Some(factory));
}

/// Overwrites with zeros what was given back: an image of the memory leaves zeros out.
#[unsafe(no_mangle)]
pub extern "C" fn clear_free_memory() {
    let pages = core::arch::wasm32::memory_size::<0>();
    let mut blocks = Vec::new();
    while core::arch::wasm32::memory_size::<0>() == pages {
        blocks.push(vec![0u8; 16_384]);
    }
}

/// Compiles the schema in the `length` bytes at `schema`. The matcher stands at the beginning of an answer; 0 when
/// the schema is refused: the message says why.
///
/// # Safety
/// As `load_vocabulary`, which has been called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn compile(schema: *const u8, length: usize) -> *mut Matcher {
    let schema = unsafe { std::slice::from_raw_parts(schema, length) };
    let compiled = STATE.with_borrow(|state| first_state(state.factory.as_ref().unwrap(), schema));
    match compiled {
        Ok(matcher) => Box::into_raw(Box::new(matcher)),
        Err(error) => {
            complain(error);
            std::ptr::null_mut()
        }
    }
}

/// Another matcher in the state of this one; both share what is computed of the grammar.
///
/// # Safety
/// `matcher` comes from `compile` or `start` and wasn't given to `finish`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn start(matcher: *const Matcher) -> *mut Matcher {
    Box::into_raw(Box::new(unsafe { &*matcher }.clone()))
}

/// Frees a matcher.
///
/// # Safety
/// As `start`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finish(matcher: *mut Matcher) {
    drop(unsafe { Box::from_raw(matcher) });
}

/// Which tokens may come next, a bit each, lowest first; valid until the next call. 0 when it would take too much
/// work, or when no answer can satisfy the schema: the message says which.
///
/// # Safety
/// As `start`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mask(matcher: *mut Matcher) -> *const u32 {
    match unsafe { &mut *matcher }.compute_mask_or_eos() {
        Ok(mask) => STATE.with_borrow_mut(|state| {
            state.mask.clear();
            state.mask.extend_from_slice(mask.as_slice());
            state.mask.as_ptr()
        }),
        Err(error) => {
            complain(error);
            std::ptr::null()
        }
    }
}

/// Goes on by one token, which the mask allows; an end after all has been said changes nothing. 0 when the mask
/// doesn't allow it, or when it would take too much work.
///
/// # Safety
/// As `start`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn accept(matcher: *mut Matcher, token: u32) -> u32 {
    let matcher = unsafe { &mut *matcher };
    if matcher.is_stopped() && !matcher.is_error() {
        return 1;
    }
    match matcher.consume_token(token) {
        Ok(()) => 1,
        Err(error) => {
            complain(error);
            0
        }
    }
}

/// Where the message of the last failure lies, UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn message() -> *const u8 {
    STATE.with_borrow(|state| state.message.as_ptr())
}

/// How many bytes it has.
#[unsafe(no_mangle)]
pub extern "C" fn message_length() -> usize {
    STATE.with_borrow(|state| state.message.len())
}

fn first_state(factory: &ParserFactory, schema: &[u8]) -> Result<Matcher> {
    let mut schema: serde_json::Value = serde_json::from_slice(schema)?;
    // No white space at the model's will: a small one may never come to an end of it.
    JsonCompileOptions {
        item_separator: ITEM_SEPARATOR.into(),
        key_separator: KEY_SEPARATOR.into(),
        whitespace_flexible: false,
        ..Default::default()
    }
    .apply_to(&mut schema);
    let mut matcher = Matcher::new(factory.create_parser(TopLevelGrammar::from_json_schema(schema)));
    // What can't even begin is found now, and not when a model has been asked.
    matcher.compute_mask()?;
    match matcher.get_error() {
        Some(message) => Err(anyhow!(message)),
        None => Ok(matcher),
    }
}

fn complain(error: anyhow::Error) {
    STATE.with_borrow_mut(|state| state.message = error.to_string());
}
