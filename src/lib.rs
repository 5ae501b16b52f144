//! Waybill, the secure file-transfer gateway that reads what it receives.
