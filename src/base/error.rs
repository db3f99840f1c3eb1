//! The one error of the program: what went wrong, where, and what the caller can do about it.
//! It never formats protocol bytes; the two edges (`wire`, `http`) turn it into their own.

use std::fmt;

/// The outcome of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What the user is told, with the kind that decides its SQLSTATE.
///
/// `message` is lower case and without a full stop, `detail` and `hint` are sentences (PostgreSQL's
/// error message style guide). `source` is for the log and is never shown to a client.
pub struct Error(Box<Parts>);

struct Parts {
    kind: ErrorKind,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    position: Option<usize>,
    object: ErrorObject,
    source: Option<Source>,
}

/// The object that an error is about, as far as it is known: PostgreSQL's fields of the same names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorObject {
    pub schema: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub constraint: Option<String>,
}

impl Error {
    /// An error of `kind` with its primary message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Parts {
            kind,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            object: ErrorObject::default(),
            source: None,
        }))
    }

    /// Something that PostgreSQL or Delta has and Lakegate does not: 0A000, naming it.
    pub fn unsupported(what: impl fmt::Display) -> Self {
        Error::new(ErrorKind::FeatureNotSupported, format!("{what} is not supported"))
    }

    /// A broken promise inside the program: XX000. A user who sees it has found a bug.
    pub fn internal(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::InternalError, message)
    }

    /// Adds the DETAIL sentence.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds the HINT sentence: an action the user can take.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Takes over the DETAIL and HINT of an error that this one stands for.
    pub fn explained_as(mut self, other: &Error) -> Self {
        self.0.detail.clone_from(&other.0.detail);
        self.0.hint.clone_from(&other.0.hint);
        self
    }

    /// Adds the 1-based character position in the statement text.
    pub fn at(mut self, position: usize) -> Self {
        self.0.position = Some(position);
        self
    }

    /// Adds the 1-based character position when it is known.
    pub fn at_if(mut self, position: Option<usize>) -> Self {
        self.0.position = position.or(self.0.position);
        self
    }

    /// Adds the object that a program may want to know without reading the message.
    pub fn about(mut self, object: ErrorObject) -> Self {
        self.0.object = object;
        self
    }

    /// Adds the underlying error, for the log only.
    pub fn caused_by(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The 1-based character position in the statement text.
    pub fn position(&self) -> Option<usize> {
        self.0.position
    }

    pub fn object(&self) -> &ErrorObject {
        &self.0.object
    }

    /// The five-character SQLSTATE.
    pub fn sqlstate(&self) -> &'static str {
        self.0.kind.sqlstate()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(detail) = &self.0.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.sqlstate())?;
        if let Some(source) = &self.0.source {
            write!(f, ", caused by: {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}

/// Declares the closed list of error kinds, each with its SQLSTATE, so that neither can be
/// forgotten. Names are PostgreSQL's condition names (appendix A of its manual).
macro_rules! error_kinds {
    ($($kind:ident = $sqlstate:literal,)*) => {
        /// What went wrong, named as PostgreSQL names its conditions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorKind {
            $($kind,)*
        }

        impl ErrorKind {
            /// The SQLSTATE of this condition.
            pub fn sqlstate(self) -> &'static str {
                match self {
                    $(ErrorKind::$kind => $sqlstate,)*
                }
            }
        }
    };
}

error_kinds! {
    // Class 08: connection
    ConnectionFailure = "08006",
    ProtocolViolation = "08P01",
    // Class 0A
    FeatureNotSupported = "0A000",
    // Class 21, 22: data
    CardinalityViolation = "21000",
    StringDataRightTruncation = "22001",
    NumericValueOutOfRange = "22003",
    NullValueNotAllowed = "22004",
    InvalidDatetimeFormat = "22007",
    DatetimeFieldOverflow = "22008",
    SubstringError = "22011",
    IntervalFieldOverflow = "22015",
    DivisionByZero = "22012",
    CharacterNotInRepertoire = "22021",
    UntranslatableCharacter = "22P05",
    InvalidEscapeSequence = "22025",
    InvalidParameterValue = "22023",
    InvalidRegularExpression = "2201B",
    InvalidRowCountInLimitClause = "2201W",
    InvalidRowCountInResultOffsetClause = "2201X",
    InvalidArgumentForNtile = "22014",
    InvalidArgumentForLogarithm = "2201E",
    InvalidArgumentForPowerFunction = "2201F",
    InvalidArgumentForWidthBucketFunction = "2201G",
    ArraySubscriptError = "2202E",
    InvalidSqlJsonSubscript = "22033",
    NonNumericSqlJsonItem = "22036",
    SingletonSqlJsonItemRequired = "22038",
    SqlJsonArrayNotFound = "22039",
    SqlJsonMemberNotFound = "2203A",
    SqlJsonObjectNotFound = "2203C",
    InvalidTablesampleArgument = "2202H",
    InvalidTextRepresentation = "22P02",
    InvalidBinaryRepresentation = "22P03",
    BadCopyFileFormat = "22P04",
    // Class 23: constraints
    NotNullViolation = "23502",
    CheckViolation = "23514",
    // Class 25: transactions
    ActiveSqlTransaction = "25001",
    ReadOnlySqlTransaction = "25006",
    NoActiveSqlTransaction = "25P01",
    InvalidSavepointSpecification = "3B001",
    InFailedSqlTransaction = "25P02",
    IdleInTransactionSessionTimeout = "25P03",
    // Class 26, 28, 2B
    InvalidSqlStatementName = "26000",
    InvalidAuthorizationSpecification = "28000",
    InvalidPassword = "28P01",
    DependentObjectsStillExist = "2BP01",
    // Class 34, 3D, 3F
    InvalidCursorName = "34000",
    InvalidCatalogName = "3D000",
    InvalidSchemaName = "3F000",
    // Class 40
    SerializationFailure = "40001",
    DeadlockDetected = "40P01",
    StatementCompletionUnknown = "40003",
    // Class 42: syntax and access
    InsufficientPrivilege = "42501",
    SyntaxError = "42601",
    InvalidName = "42602",
    DuplicateColumn = "42701",
    AmbiguousColumn = "42702",
    AmbiguousFunction = "42725",
    UndefinedColumn = "42703",
    UndefinedObject = "42704",
    DuplicateObject = "42710",
    DuplicateAlias = "42712",
    GeneratedAlways = "428C9",
    GroupingError = "42803",
    DatatypeMismatch = "42804",
    WrongObjectType = "42809",
    CannotCoerce = "42846",
    UndefinedFunction = "42883",
    UndefinedTable = "42P01",
    UndefinedParameter = "42P02",
    DuplicateCursor = "42P03",
    InvalidCursorDefinition = "42P11",
    DuplicateDatabase = "42P04",
    DuplicatePreparedStatement = "42P05",
    DuplicateSchema = "42P06",
    DuplicateTable = "42P07",
    InvalidColumnReference = "42P10",
    InvalidForeignKey = "42830",
    InvalidRecursion = "42P19",
    WindowingError = "42P20",
    InvalidTableDefinition = "42P16",
    InvalidObjectDefinition = "42P17",
    IndeterminateDatatype = "42P18",
    // Class 53, 54: resources and limits
    InsufficientResources = "53000",
    DiskFull = "53100",
    OutOfMemory = "53200",
    TooManyConnections = "53300",
    ConfigurationLimitExceeded = "53400",
    ProgramLimitExceeded = "54000",
    StatementTooComplex = "54001",
    TooManyColumns = "54011",
    // Class 55
    ObjectNotInPrerequisiteState = "55000",
    ObjectInUse = "55006",
    CantChangeRuntimeParam = "55P02",
    LockNotAvailable = "55P03",
    // Class 57: operator intervention
    QueryCanceled = "57014",
    AdminShutdown = "57P01",
    CannotConnectNow = "57P03",
    IdleSessionTimeout = "57P05",
    // Class 58: outside the program
    SystemError = "58000",
    IoError = "58030",
    UndefinedFile = "58P01",
    // Class F0, HV, XX: a foreign server is here an object store
    ConfigFileError = "F0000",
    FdwUnableToEstablishConnection = "HV00N",
    FdwSchemaNotFound = "HV00Q",
    InternalError = "XX000",
    DataCorrupted = "XX001",
}
