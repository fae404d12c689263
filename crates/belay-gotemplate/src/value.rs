//! Values with Go's types.
//!
//! Strings are bytes, as in Go: `b64dec` and `trunc` make text that is not UTF-8. Maps are shared
//! and mutable: `set` in one template is seen by the next. Lists are shared and never change.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::function::Function;
use crate::host::HostObject;

/// A value a template can hold.
#[derive(Clone, Default)]
pub enum Value {
    /// Untyped nil.
    #[default]
    Nil,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `int32` (also `rune`)
    Int32(i32),
    /// `int64`
    Int64(i64),
    /// `uint`
    Uint(u64),
    /// `uint8` (also `byte`)
    Uint8(u8),
    /// `uint64`
    Uint64(u64),
    /// `float64`
    Float(f64),
    /// `complex128`
    Complex(f64, f64),
    /// `string`
    String(Text),
    /// `[]uint8`
    Bytes(Rc<[u8]>),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A function.
    Function(Function),
    /// An object with fields and methods that the host gives.
    Host(Rc<dyn HostObject>),
}

/// Go's `reflect.Kind`, as far as values here reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No value.
    Invalid,
    /// `bool`
    Bool,
    /// Signed integers.
    Int,
    /// `int32`
    Int32,
    /// `int64`
    Int64,
    /// `uint`
    Uint,
    /// `uint8`
    Uint8,
    /// `uint64`
    Uint64,
    /// `float64`
    Float64,
    /// `complex128`
    Complex128,
    /// `string`
    String,
    /// Any slice.
    Slice,
    /// Any map.
    Map,
    /// A function.
    Func,
    /// A struct.
    Struct,
    /// A pointer.
    Ptr,
}

impl Kind {
    /// The name `kindOf` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint => "uint",
            Self::Uint8 => "uint8",
            Self::Uint64 => "uint64",
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::String => "string",
            Self::Slice => "slice",
            Self::Map => "map",
            Self::Func => "func",
            Self::Struct => "struct",
            Self::Ptr => "ptr",
        }
    }
}

/// The type of a parameter, of a result, or of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`
    Any,
    /// `reflect.Value`: takes anything, and sees whether it was nil or missing.
    Reflect,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `int32`
    Int32,
    /// `int64`
    Int64,
    /// `uint`
    Uint,
    /// `uint8`
    Uint8,
    /// `uint64`
    Uint64,
    /// `float64`
    Float64,
    /// `complex128`
    Complex128,
    /// `string`
    String,
    /// A slice of an element.
    List(Element),
    /// A map from strings to an element.
    Map(Element),
    /// A function.
    Function,
    /// A type of the host's, by its Go name.
    Named(&'static str),
}

impl Type {
    /// The type as Go prints it.
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Self::Any => "interface {}".into(),
            Self::Reflect => "reflect.Value".into(),
            Self::Bool => "bool".into(),
            Self::Int => "int".into(),
            Self::Int32 => "int32".into(),
            Self::Int64 => "int64".into(),
            Self::Uint => "uint".into(),
            Self::Uint8 => "uint8".into(),
            Self::Uint64 => "uint64".into(),
            Self::Float64 => "float64".into(),
            Self::Complex128 => "complex128".into(),
            Self::String => "string".into(),
            Self::List(element) => format!("[]{}", element.name()).into(),
            Self::Map(element) => format!("map[string]{}", element.name()).into(),
            Self::Function => "func()".into(),
            Self::Named(name) => name.into(),
        }
    }

    pub(crate) fn can_be_nil(self) -> bool {
        match self {
            Self::Any | Self::Reflect | Self::List(_) | Self::Map(_) | Self::Function => true,
            Self::Named(name) => name.starts_with('*'),
            _ => false,
        }
    }

    /// Go's zero value of this type.
    pub(crate) fn zero(self) -> Value {
        match self {
            Self::Any | Self::Reflect | Self::Function | Self::Named(_) => Value::Nil,
            Self::Bool => Value::Bool(false),
            Self::Int => Value::Int(0),
            Self::Int32 => Value::Int32(0),
            Self::Int64 => Value::Int64(0),
            Self::Uint => Value::Uint(0),
            Self::Uint8 => Value::Uint8(0),
            Self::Uint64 => Value::Uint64(0),
            Self::Float64 => Value::Float(0.0),
            Self::Complex128 => Value::Complex(0.0, 0.0),
            Self::String => Value::String(Text::default()),
            Self::List(element) => Value::List(List::nil(element)),
            Self::Map(element) => Value::Map(Map::nil(element)),
        }
    }
}

/// The type of the elements of a list or map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Element {
    /// `interface {}`
    #[default]
    Any,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `int64`
    Int64,
    /// `uint8`
    Uint8,
    /// `float64`
    Float64,
    /// `string`
    String,
    /// `[]uint8`
    Bytes,
    /// `[]interface {}`
    AnyList,
    /// `[]string`
    StringList,
    /// `map[string]interface {}`
    AnyMap,
    /// A type of the host's, by its Go name.
    Named(&'static str),
}

impl Element {
    /// The type as Go prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Float64 => "float64",
            Self::String => "string",
            Self::Bytes => "[]uint8",
            Self::AnyList => "[]interface {}",
            Self::StringList => "[]string",
            Self::AnyMap => "map[string]interface {}",
            Self::Named(name) => name,
        }
    }

    /// The same as a type of its own.
    pub fn as_type(self) -> Type {
        match self {
            Self::Any => Type::Any,
            Self::Bool => Type::Bool,
            Self::Int => Type::Int,
            Self::Int64 => Type::Int64,
            Self::Uint8 => Type::Uint8,
            Self::Float64 => Type::Float64,
            Self::String => Type::String,
            Self::Bytes => Type::List(Self::Uint8),
            Self::AnyList => Type::List(Self::Any),
            Self::StringList => Type::List(Self::String),
            Self::AnyMap => Type::Map(Self::Any),
            Self::Named(name) => Type::Named(name),
        }
    }
}

/// A Go string: shared bytes, mostly UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<[u8]>);

impl Text {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, each byte that is not UTF-8 replaced by U+FFFD as Go does when it reads runes.
    pub fn to_str(&self) -> Cow<'_, str> {
        text_of(&self.0)
    }
}

/// Bytes as text, each invalid byte replaced by U+FFFD.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(text_with(bytes, char::REPLACEMENT_CHARACTER)),
    }
}

/// The same with a character of the caller's.
pub(crate) fn text_with(bytes: &[u8], broken: char) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| broken));
    }
    text
}

impl Default for Text {
    fn default() -> Self {
        Self(Arc::from(&[][..]))
    }
}

impl std::ops::Deref for Text {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl std::borrow::Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.to_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_str())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Arc::from(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Arc::from(text.into_bytes()))
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::from(bytes))
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(Arc::from(bytes))
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        Self(Arc::from(text.as_bytes()))
    }
}

/// A slice of values: shared, never changed.
#[derive(Clone)]
pub struct List {
    element: Element,
    items: Option<Rc<[Value]>>,
}

impl List {
    /// A `[]interface {}`.
    pub fn new(items: Vec<Value>) -> Self {
        Self::of(Element::Any, items)
    }

    /// A slice of the element type given; the items must be of it.
    pub fn of(element: Element, items: Vec<Value>) -> Self {
        Self { element, items: Some(items.into()) }
    }

    /// A `[]string`.
    pub fn strings<T: Into<Text>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::of(Element::String, items.into_iter().map(|item| Value::String(item.into())).collect())
    }

    /// The nil slice.
    pub fn nil(element: Element) -> Self {
        Self { element, items: None }
    }

    /// The items.
    pub fn items(&self) -> &[Value] {
        self.items.as_deref().unwrap_or(&[])
    }

    /// What the items are.
    pub fn element(&self) -> Element {
        self.element
    }

    /// Whether it is Go's nil slice, which JSON writes as null.
    pub fn is_nil(&self) -> bool {
        self.items.is_none()
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.items().len()
    }

    /// What tells it from other lists.
    pub(crate) fn address(&self) -> Option<usize> {
        self.items.as_ref().map(|items| Rc::as_ptr(items).addr())
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.items().is_empty()
    }
}

// Lists nest deeper than a thread's stack is high.
impl Drop for List {
    fn drop(&mut self) {
        if let Some(items) = self.items.take()
            && Rc::strong_count(&items) == 1
        {
            crate::exec::with_stack(|| drop(items));
        }
    }
}

type Entries = BTreeMap<Text, Value>;

/// A map with string keys: shared and mutable; a clone is the same map.
#[derive(Clone)]
pub struct Map {
    element: Element,
    name: Option<&'static str>,
    entries: Option<Rc<RefCell<Entries>>>,
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl Map {
    /// An empty `map[string]interface {}`.
    pub fn new() -> Self {
        Self::of(Element::Any)
    }

    /// An empty map of the element type given.
    pub fn of(element: Element) -> Self {
        Self { element, name: None, entries: Some(Rc::default()) }
    }

    /// The nil map, which can be read and not written.
    pub fn nil(element: Element) -> Self {
        Self { element, name: None, entries: None }
    }

    /// The same map seen as a named Go type, such as `common.Values`.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// The same map without its type's name.
    #[must_use]
    pub fn unnamed(mut self) -> Self {
        self.name = None;
        self
    }

    /// The name of its Go type, when it has one.
    pub fn type_name(&self) -> Option<&'static str> {
        self.name
    }

    /// What the values are.
    pub fn element(&self) -> Element {
        self.element
    }

    /// Whether it is Go's nil map.
    pub fn is_nil(&self) -> bool {
        self.entries.is_none()
    }

    /// Whether both are one and the same map.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.entries, &other.entries) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }

    /// What tells it from other maps.
    pub(crate) fn address(&self) -> Option<usize> {
        self.entries.as_ref().map(|entries| Rc::as_ptr(entries).addr())
    }

    /// The value of a key.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.entries.as_ref()?.borrow().get(key.as_ref()).cloned()
    }

    /// Whether a key is present.
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.entries.as_ref().is_some_and(|entries| entries.borrow().contains_key(key.as_ref()))
    }

    /// Sets a key. Nothing happens to the nil map; see [`Map::is_nil`].
    pub fn insert(&self, key: impl Into<Text>, value: impl Into<Value>) {
        if let Some(entries) = &self.entries {
            entries.borrow_mut().insert(key.into(), value.into());
        }
    }

    /// Removes a key.
    pub fn remove(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.entries.as_ref()?.borrow_mut().remove(key.as_ref())
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.as_ref().map_or(0, |entries| entries.borrow().len())
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A snapshot of the entries in the order of their keys.
    pub fn entries(&self) -> Vec<(Text, Value)> {
        match &self.entries {
            Some(entries) => {
                entries.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
            }
            None => Vec::new(),
        }
    }
}

// So do maps.
impl Drop for Map {
    fn drop(&mut self) {
        if let Some(entries) = self.entries.take()
            && Rc::strong_count(&entries) == 1
        {
            crate::exec::with_stack(|| drop(entries));
        }
    }
}

impl<K: Into<Text>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries: Entries = entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        Self { element: Element::Any, name: None, entries: Some(Rc::new(RefCell::new(entries))) }
    }
}

impl Value {
    /// A string.
    pub fn string(text: impl Into<Text>) -> Self {
        Self::String(text.into())
    }

    /// A `[]interface {}`.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(items))
    }

    /// The host's object.
    pub fn host(object: impl HostObject + 'static) -> Self {
        Self::Host(Rc::new(object))
    }

    /// The text of a string; nothing for other types.
    pub fn as_str(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::String(text) => Some(text.to_str()),
            _ => None,
        }
    }

    /// The text of a string; nothing for other types.
    pub fn as_text(&self) -> Option<&Text> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The map, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The value of any signed integer type.
    pub fn as_signed(&self) -> Option<i64> {
        match *self {
            Self::Int(number) | Self::Int64(number) => Some(number),
            Self::Int32(number) => Some(number.into()),
            _ => None,
        }
    }

    /// The value of any unsigned integer type.
    pub fn as_unsigned(&self) -> Option<u64> {
        match *self {
            Self::Uint(number) | Self::Uint64(number) => Some(number),
            Self::Uint8(number) => Some(number.into()),
            _ => None,
        }
    }

    /// Whether it is untyped nil.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// Go's kind of this value.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Int32(_) => Kind::Int32,
            Self::Int64(_) => Kind::Int64,
            Self::Uint(_) => Kind::Uint,
            Self::Uint8(_) => Kind::Uint8,
            Self::Uint64(_) => Kind::Uint64,
            Self::Float(_) => Kind::Float64,
            Self::Complex(..) => Kind::Complex128,
            Self::String(_) => Kind::String,
            Self::Bytes(_) | Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Function(_) => Kind::Func,
            Self::Host(object) => object.kind(),
        }
    }

    /// The Go type of this value, as `%T` prints it.
    pub fn type_name(&self) -> Cow<'static, str> {
        match self {
            Self::Nil => "<nil>".into(),
            Self::Map(Map { name: Some(name), .. }) => (*name).into(),
            Self::Host(object) => object.type_name(),
            Self::Function(function) => function.type_name().into(),
            other => other.plain_type().name(),
        }
    }

    /// The type without names of the host's.
    fn plain_type(&self) -> Type {
        match self {
            Self::Nil | Self::Host(_) => Type::Any,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Int32(_) => Type::Int32,
            Self::Int64(_) => Type::Int64,
            Self::Uint(_) => Type::Uint,
            Self::Uint8(_) => Type::Uint8,
            Self::Uint64(_) => Type::Uint64,
            Self::Float(_) => Type::Float64,
            Self::Complex(..) => Type::Complex128,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::List(Element::Uint8),
            Self::List(list) => Type::List(list.element),
            Self::Map(map) => Type::Map(map.element),
            Self::Function(_) => Type::Function,
        }
    }

    /// Whether Go could assign this value to a variable of the type.
    pub(crate) fn is_assignable(&self, to: Type) -> bool {
        match to {
            Type::Any | Type::Reflect => true,
            Type::Named(name) => self.type_name() == name,
            _ => match self {
                Self::Host(object) => object.is_assignable(to),
                _ => self.plain_type() == to,
            },
        }
    }

    /// Go templates' idea of truth: not the zero of its type.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(number) | Self::Int64(number) => *number != 0,
            Self::Int32(number) => *number != 0,
            Self::Uint(number) | Self::Uint64(number) => *number != 0,
            Self::Uint8(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::String(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Function(_) => true,
            Self::Host(object) => object.underlying().is_none_or(|value| value.is_true()),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self { Self::$variant(value.into()) }
        }
    )*};
}
value_from! {
    bool => Bool, i64 => Int, f64 => Float, &str => String, String => String, Text => String,
    List => List, Map => Map, Function => Function, u8 => Uint8, u64 => Uint64,
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::list(items)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text_of(&crate::format::go_syntax(self)))
    }
}
