//! The words of the house as types. No I/O: time and chance come in as arguments.

pub mod bearer;
mod certificate_name;
mod chain;
pub mod clock;
mod counted;
pub mod digest;
pub mod errors_table;
pub mod event;
pub mod id;
pub mod methods;
pub mod network;
pub mod path;
pub mod policy;
pub mod scope;

pub use bearer::Bearer;
pub use certificate_name::certificate_name;
pub use chain::chain;
pub use clock::Timestamp;
pub use counted::counted;
pub use digest::{Digest, Hasher};
pub use event::{Event, Severity};
pub use id::{AccountId, ArrivalId, DocumentId, NodeId, OrganisationId, RequestId, SessionId, TokenId};
pub use methods::{Methods, Step};
pub use network::Network;
pub use path::{FileName, PathError, VirtualPath};
pub use policy::{AccountPolicy, Forbidden, NotAdmitted, Permission, Policy, Quota, Usage};
pub use scope::Scope;
