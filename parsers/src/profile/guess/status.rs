//! What payers' status words mean.

use crate::canonical::PaymentStatus;

use super::words::plain;

/// Words and codes by status: English, German, French, Spanish, Italian, Dutch, and the codes that ERPs ship.
const STATUSES: [(PaymentStatus, &str); 9] = [
    (
        PaymentStatus::Received,
        "received|entered|new|open|pending|recorded|needs validation|never validated|N|RCV|erhalten|eingegangen|offen|erfasst|recu|recibida|recibido|registrata|ricevuta|ontvangen|geregistreerd",
    ),
    (
        PaymentStatus::InReview,
        "in review|review|exception|on hold|hold|blocked|matching|pending approval|disputed|A|B|R|H|EXC|in pruefung|gesperrt|klaerung|en revision|en cours|bloquee|en revision|bloqueada|in verifica|bloccata|in behandeling|geblokkeerd",
    ),
    (
        PaymentStatus::Approved,
        "approved|validated|released|ready to pay|APP|V|freigegeben|genehmigt|approuve|approuvee|validee|aprobada|aprobado|approvata|autorizzata|goedgekeurd|akkoord",
    ),
    (
        PaymentStatus::Scheduled,
        "scheduled|selected|in payment run|payment pending|P|eingeplant|im zahlungslauf|planifiee|programada|programado|programmata|ingepland",
    ),
    (
        PaymentStatus::PartiallyPaid,
        "partially paid|partial|part paid|partly paid|teilweise bezahlt|teilbezahlt|partiellement payee|parcialmente pagada|parzialmente pagata|gedeeltelijk betaald",
    ),
    (
        PaymentStatus::Paid,
        "paid|paid in full|fully paid|Y|PD|bezahlt|gezahlt|ausgeglichen|payee|paye|reglee|pagada|pagado|pagata|betaald",
    ),
    (
        PaymentStatus::Cleared,
        "cleared|reconciled|settled|verrechnet|rapprochee|conciliada|conciliado|riconciliata|afgeletterd",
    ),
    (
        PaymentStatus::Rejected,
        "rejected|denied|returned|REJ|abgelehnt|zurueckgewiesen|rejetee|refusee|rechazada|rechazado|respinta|rifiutata|afgewezen|afgekeurd",
    ),
    (
        PaymentStatus::Cancelled,
        "cancelled|canceled|void|voided|deleted|VOID|X|storniert|annulliert|annulee|anulada|anulado|annullata|geannuleerd",
    ),
];

/// The status that a payer's word or code most likely means; `None` where nothing speaks for one.
pub(super) fn status_of(code: &str) -> Option<PaymentStatus> {
    let code = plain(code);
    STATUSES.iter().find(|(_, words)| words.split('|').any(|word| plain(word) == code)).map(|(status, _)| *status)
}
