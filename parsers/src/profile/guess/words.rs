//! What columns are called: by ERPs, in English, German, French, Spanish, Italian and Dutch.

use crate::profile::Documents::{self, Invoice, Remittance, Vendor, Voucher};

/// Names by field. A header is compared without case, blanks, accents and punctuation. In each list the first
/// names are the plainest; what follows are those of SAP, Oracle, NetSuite, PeopleSoft, Banner, QuickBooks and
/// PaymentWorks, then of other languages.
pub(super) const WORDS: [(Documents, &str, &str); 90] = [
    (
        Invoice,
        "number",
        "invoice number|invoice no|invoice|invoice num|invoice id|inv no|document number|document no|bill number|bill no|num|ref no|INVOICE_NUM|XBLNR|VENDOR_INVOICE|FABINVH_VEND_INV_CODE|tranid|reference no|rechnungsnummer|rechnungsnr|rechnung nr|rechnung|belegnummer|belegnr|numero de facture|n facture|no facture|facture|numero factura|n factura|factura|numero fattura|n fattura|fattura|factuurnummer|factuurnr|factuur",
    ),
    (
        Invoice,
        "type",
        "type|document type|invoice type|transaction type|doc type|INVOICE_TYPE_LOOKUP_CODE|BLART|belegart|rechnungsart|art|type de document|tipo|tipo documento|soort|documentsoort",
    ),
    (
        Invoice,
        "issue_date",
        "invoice date|date|document date|bill date|issue date|doc date|INVOICE_DATE|BLDAT|INVOICE_DT|trandate|rechnungsdatum|belegdatum|datum|date de facture|date facture|date d'emission|fecha factura|fecha de factura|fecha|fecha emision|data fattura|data documento|data|factuurdatum",
    ),
    (
        Invoice,
        "due_date",
        "due date|payment due|net due date|due|DUE_DT|TERMS_DATE|FAEDT|duedate|faelligkeit|faelligkeitsdatum|faellig am|zahlbar bis|date d'echeance|echeance|fecha vencimiento|fecha de vencimiento|vencimiento|data scadenza|scadenza|vervaldatum",
    ),
    (
        Invoice,
        "currency",
        "currency|currency code|curr|ccy|INVOICE_CURRENCY_CODE|WAERS|CURRENCY_CD|waehrung|waehrungscode|devise|monnaie|moneda|divisa|valuta|munt",
    ),
    (
        Invoice,
        "purchase_order",
        "po number|po|purchase order|po no|order number|purchase order number|PO_NUMBER|EBELN|PO_ID|po #|bestellnummer|bestellung|bestell nr|auftragsnummer|commande|bon de commande|numero de commande|pedido|orden de compra|ordine|ordine di acquisto|n ordine|bestelnummer|inkooporder|ordernummer",
    ),
    (
        Invoice,
        "seller_id",
        "vendor id|vendor no|vendor number|supplier id|supplier no|supplier number|vendor code|VENDOR_NUM|LIFNR|VENDOR_ID|entity id|SupplierNumber|lieferantennummer|lieferantennr|kreditor|kreditorennummer|code fournisseur|numero fournisseur|codigo proveedor|codice fornitore|leveranciersnummer|crediteurnummer",
    ),
    (
        Invoice,
        "seller_name",
        "vendor name|vendor|supplier name|supplier|payee|seller|seller name|VENDOR_NAME|NAME1|SupplierName|lieferant|lieferantenname|name|name 1|fournisseur|nom fournisseur|proveedor|nombre proveedor|fornitore|ragione sociale|leverancier|crediteur",
    ),
    (
        Invoice,
        "seller_vat_id",
        "vendor vat id|vat number|vat id|vat no|STCEG|ust id|ust idnr|umsatzsteuer id|numero tva|nif|cif|partita iva|btw nummer",
    ),
    (
        Invoice,
        "buyer_id",
        "buyer id|customer number|customer no|customer id|KUNNR|kundennummer|kundennr|numero client|codigo cliente|codice cliente|klantnummer",
    ),
    (
        Invoice,
        "buyer_name",
        "buyer name|buyer|customer|customer name|subsidiary|bill to|kunde|kundenname|client|cliente|klant",
    ),
    (
        Invoice,
        "contract",
        "contract|contract number|contract no|vertragsnummer|vertrag|contrat|contrato|contratto|contractnummer",
    ),
    (
        Invoice,
        "preceding_number",
        "original invoice|original invoice number|original invoice no|corrected invoice|applies to|ursprungsrechnung|facture d'origine|factura original|fattura originale|oorspronkelijke factuur",
    ),
    (
        Invoice,
        "note",
        "memo|note|notes|remark|remarks|comment|comments|DESCRIPTION|SGTXT|bemerkung|notiz|buchungstext|remarque|nota|observaciones|note fattura|opmerking",
    ),
    (
        Invoice,
        "terms",
        "terms|payment terms|TERMS_NAME|ZTERM|zahlungsbedingung|zahlungsbedingungen|conditions de paiement|condiciones de pago|condizioni di pagamento|betalingsvoorwaarden",
    ),
    (
        Invoice,
        "payment_account",
        "iban|bank account|account to pay|bankverbindung|kontonummer|compte bancaire|cuenta bancaria|conto corrente|rekeningnummer",
    ),
    (
        Invoice,
        "tax_exclusive",
        "net amount|subtotal|net total|amount excl tax|total excl vat|nettobetrag|netto|summe netto|montant ht|total ht|base imponible|importe neto|imponibile|totale imponibile|bedrag excl btw|nettobedrag",
    ),
    (
        Invoice,
        "tax",
        "tax amount|tax|vat amount|vat|sales tax|tax total|amount transaction tax total|TAX_AMOUNT|WMWST|VAT_AMT|steuerbetrag|steuer|mwst|mwst betrag|ust|umsatzsteuer|montant tva|tva|iva|importe iva|cuota iva|imposta|importo iva|btw|btw bedrag",
    ),
    (
        Invoice,
        "tax_inclusive",
        "amount incl tax|total incl vat|gross total|total incl tax|bruttosumme|summe brutto|montant ttc|total ttc|total con iva|totale ivato|bedrag incl btw",
    ),
    (
        Invoice,
        "payable",
        "invoice amount|amount|total|invoice total|total amount|amount due|gross amount|gross|balance due|INVOICE_AMOUNT|WRBTR|RMWWR|GROSS_AMT|amount transaction total|betrag|rechnungsbetrag|gesamtbetrag|bruttobetrag|zahlbetrag|montant|montant total|net a payer|importe|importe total|total factura|importo|totale|totale fattura|totale documento|bedrag|factuurbedrag|totaalbedrag|totaal",
    ),
    (
        Invoice,
        "line_id",
        "line no|line|line number|line id|LINE_NUMBER|BUZEI|VOUCHER_LINE_NUM|position|pos|positionsnummer|ligne|numero ligne|linea|n linea|riga|n riga|regel|regelnummer",
    ),
    (
        Invoice,
        "line_item",
        "sku|item|item number|item no|part number|product|MATNR|INV_ITEM_ID|artikel|artikelnummer|artikelnr|material|article|code article|articulo|codigo articulo|articolo|codice articolo|artikelcode",
    ),
    (
        Invoice,
        "line_description",
        "description|item description|line description|memo line|DESCR|MAKTX|bezeichnung|beschreibung|artikelbezeichnung|designation|libelle|descripcion|descrizione|omschrijving",
    ),
    (
        Invoice,
        "line_quantity",
        "quantity|qty|QUANTITY_INVOICED|MENGE|QTY_VCHR|menge|anzahl|quantite|qte|cantidad|quantita|aantal|hoeveelheid",
    ),
    (
        Invoice,
        "line_unit",
        "unit|uom|units|unit of measure|MEINS|UNIT_OF_MEASURE|einheit|mengeneinheit|unite|unidad|unita|unita di misura|eenheid",
    ),
    (
        Invoice,
        "line_price",
        "unit price|price|rate|item rate|UNIT_PRICE|NETPR|preis|einzelpreis|stueckpreis|prix unitaire|prix|precio unitario|precio|prezzo unitario|prezzo|prijs|stukprijs",
    ),
    (
        Invoice,
        "line_amount",
        "line amount|line total|extended amount|ext amount|LINE_AMOUNT|MERCHANDISE_AMT|amount foreign currency|positionsbetrag|zeilenbetrag|gesamtpreis|montant ligne|importe linea|importo riga|regelbedrag",
    ),
    (
        Invoice,
        "line_tax_rate",
        "tax rate|vat rate|tax percent|steuersatz|mwst satz|taux tva|tipo iva|aliquota|aliquota iva|btw percentage",
    ),
    (
        Voucher,
        "company_code",
        "company code|company|business unit|BUKRS|BUSINESS_UNIT|ORG_ID|operating unit|cocd|buchungskreis|bukr|gesellschaft|societe|sociedad|societa|bedrijf",
    ),
    (
        Voucher,
        "vendor_no",
        "vendor no|vendor number|vendor id|supplier number|supplier no|supplier id|vendor|VENDOR_NUM|LIFNR|VENDOR_ID|SupplierNumber|kreditor|lieferantennummer|code fournisseur|codigo proveedor|codice fornitore|crediteurnummer",
    ),
    (Voucher, "site_code", "site code|site|vendor site|supplier site|SiteCode|VENDOR_SITE_CODE|VNDR_LOC|location"),
    (
        Voucher,
        "vendor_name",
        "vendor name|supplier name|supplier|payee|VENDOR_NAME|NAME1|SupplierName|lieferant|name 1|name|fournisseur|proveedor|fornitore|leverancier",
    ),
    (
        Voucher,
        "invoice_number",
        "supplier invoice no|invoice number|invoice no|invoice|invoice id|vendor invoice|reference|INVOICE_NUM|XBLNR|INVOICE_ID|InvoiceNumber|FABINVH_VEND_INV_CODE|referenz|rechnungsnummer|rechnung|numero de facture|facture|factura|numero factura|fattura|numero fattura|factuurnummer",
    ),
    (
        Voucher,
        "voucher_number",
        "voucher no|voucher number|voucher id|voucher|document number|document no|BELNR|VOUCHER_ID|FABINVH_CODE|internal id|belegnummer|belegnr|piece|numero piece|asiento|registrazione|boekstuknummer",
    ),
    (
        Voucher,
        "invoice_date",
        "invoice date|document date|doc date|date|INVOICE_DATE|BLDAT|INVOICE_DT|InvoiceDate|belegdatum|rechnungsdatum|date facture|fecha factura|fecha|data fattura|data documento|factuurdatum",
    ),
    (
        Voucher,
        "due_date",
        "due date|net due date|payment due|DUE_DT|FAEDT|DueDate|nettofaelligkeit|faelligkeit|faellig am|echeance|vencimiento|scadenza|vervaldatum",
    ),
    (
        Voucher,
        "currency",
        "currency|currency code|curr|ccy|WAERS|CURRENCY_CD|INVOICE_CURRENCY_CODE|waehrung|devise|moneda|divisa|valuta",
    ),
    (
        Voucher,
        "gross",
        "gross|gross amount|invoice amount|amount|amount in doc curr|total|total amount|WRBTR|INVOICE_AMOUNT|GROSS_AMT|InvoiceAmount|betrag|betrag in belegwaehrung|bruttobetrag|rechnungsbetrag|montant|montant ttc|importe|importo|bedrag",
    ),
    (Voucher, "net", "net|net amount|nettobetrag|netto|montant ht|importe neto|imponibile|nettobedrag"),
    (Voucher, "tax", "tax|tax amount|vat|vat amount|WMWST|TAX_AMOUNT|steuerbetrag|mwst|tva|iva|btw"),
    (
        Voucher,
        "open",
        "open|open amount|amount remaining|balance|outstanding|AMOUNT_REMAINING|offener betrag|offen|restbetrag|solde|saldo|pendiente|openstaand",
    ),
    (
        Voucher,
        "paid",
        "paid|paid amount|amount paid|AMOUNT_PAID|PaidAmount|bezahlt|gezahlt|montant paye|pagado|pagato|betaald",
    ),
    (
        Voucher,
        "purchase_order",
        "po|po number|purchase order|purchasing document|PO_NUMBER|EBELN|PO_ID|PONumber|bestellung|bestellnummer|einkaufsbeleg|commande|pedido|ordine|bestelnummer",
    ),
    (
        Voucher,
        "status_code",
        "status|status code|payment status|invoice status|approval status|payment block|PAYMENT_STATUS_FLAG|ZLSPR|ENTRY_STATUS|PYMNT_STATUS|StatusCode|zahlsperre|sperre|zahlungsstatus|statut|etat|estado|stato",
    ),
    (Voucher, "hold_codes", "hold codes|hold|hold code|hold reason|holds|HOLD_LOOKUP_CODE|sperrgrund"),
    (
        Voucher,
        "payment_number",
        "payment number|pay doc|check number|check no|payment document|cheque number|clearing document|CHECK_NUMBER|AUGBL|PYMNT_ID_REF|DocNum|ausgleichsbeleg|zahlungsbeleg|numero paiement|numero pago|numero pagamento|betalingsnummer",
    ),
    (
        Voucher,
        "payment_date",
        "payment date|pay date|paid date|check date|clearing date|CHECK_DATE|AUGDT|PYMNT_DT|DocDate|ausgleichsdatum|zahlungsdatum|zahldatum|date de paiement|fecha pago|data pagamento|betaaldatum",
    ),
    (
        Voucher,
        "payment_method",
        "payment method|pay method|pay type|PAYMENT_METHOD_CODE|ZLSCH|PYMNT_METHOD|PaymentMethod|zahlweg|zahlungsart|mode de paiement|forma de pago|metodo di pagamento|betaalwijze",
    ),
    (
        Vendor,
        "company_code",
        "company code|company|business unit|BUKRS|BusinessUnit|SETID|buchungskreis|societe|sociedad|societa",
    ),
    (
        Vendor,
        "vendor_no",
        "vendor no|vendor number|vendor id|supplier number|supplier no|supplier id|SupplierNumber|VENDOR_NUM|LIFNR|VENDOR_ID|SPRIDEN_ID|kreditor|lieferantennummer|code fournisseur|codigo proveedor|codice fornitore|crediteurnummer",
    ),
    (Vendor, "site_code", "site code|site|supplier site|SiteCode|VENDOR_SITE_CODE|VNDR_LOC|ADDRESS_SEQ_NUM"),
    (
        Vendor,
        "vendor_name",
        "vendor name|supplier name|name|supplier|vendor|SupplierName|VENDOR_NAME|NAME1|name 1|lieferant|firma|fournisseur|raison sociale|proveedor|razon social|fornitore|ragione sociale|leverancier",
    ),
    (
        Vendor,
        "tax_id",
        "tax id|tin|ein|taxid|federal tax id|TaxID|STCD1|TIN|steuernummer|numero fiscal|codice fiscale|nif",
    ),
    (Vendor, "vat_id", "vat id|vat number|vat no|STCEG|ust id|ust idnr|numero tva|partita iva|btw nummer"),
    (Vendor, "duns", "duns|duns number|DUNS"),
    (
        Vendor,
        "street",
        "street|address|address 1|address line 1|Address1|STRAS|ADDRESS1|strasse|rue|adresse|direccion|calle|indirizzo|via|adres|straat",
    ),
    (Vendor, "street_2", "street 2|address 2|address line 2|Address2|ADDRESS2"),
    (Vendor, "street_3", "street 3|address 3|address line 3|Address3|ADDRESS3"),
    (Vendor, "city", "city|town|ORT01|City|CITY|ort|stadt|ville|ciudad|citta|plaats|stad"),
    (
        Vendor,
        "postal_code",
        "postal code|zip|zip code|postcode|PSTLZ|ZipCode|POSTAL|plz|postleitzahl|code postal|codigo postal|cap",
    ),
    (Vendor, "region", "state|region|province|REGIO|State|STATE|bundesland|provincia|provincie"),
    (Vendor, "country", "country|country code|LAND1|Country|COUNTRY|land|pays|pais|paese"),
    (
        Vendor,
        "contact_name",
        "contact|contact name|ContactName|ansprechpartner|interlocuteur|contacto|contatto|contactpersoon",
    ),
    (Vendor, "contact_phone", "phone|telephone|contact phone|Phone|TELF1|telefon|telefono|telefoon"),
    (Vendor, "contact_email", "email|e mail|contact email|Email|SMTP_ADDR|EMAILID|mail|courriel|correo"),
    (
        Vendor,
        "remittance_email",
        "remittance email|remit email|remit to email|RemittanceEmail|REMIT_ADVICE_EMAIL|avis email",
    ),
    (Vendor, "currency", "currency|currency code|WAERS|CURRENCY_CD|waehrung|devise|moneda|valuta"),
    (
        Vendor,
        "terms",
        "terms|payment terms|ZTERM|PYMNT_TERMS_CD|PaymentTerms|zahlungsbedingung|conditions de paiement|condiciones de pago|condizioni di pagamento|betalingsvoorwaarden",
    ),
    (
        Vendor,
        "payment_method",
        "payment method|pay method|payment type|ZWELS|PYMNT_METHOD|PaymentMethod|zahlweg|mode de paiement|forma de pago|metodo di pagamento|betaalwijze",
    ),
    (
        Vendor,
        "status",
        "status|vendor status|active|is active|inactive|blocked|SPERR|VENDOR_STATUS|gesperrt|statut|estado|stato",
    ),
    (
        Remittance,
        "payment_number",
        "payment ref|payment number|payment no|payment reference|check number|check no|cheque number|payment id|CHECK_NUMBER|AUGBL|PYMNT_ID_REF|zahlungsnummer|zahlungsbeleg|zahlungsreferenz|numero paiement|reference paiement|numero pago|numero pagamento|betalingsnummer|betalingskenmerk",
    ),
    (
        Remittance,
        "payment_date",
        "payment date|pay date|check date|value date|CHECK_DATE|AUGDT|PYMNT_DT|zahlungsdatum|zahldatum|valuta datum|date de paiement|fecha pago|fecha de pago|data pagamento|betaaldatum",
    ),
    (
        Remittance,
        "payment_method",
        "payment method|pay method|PAYMENT_METHOD_CODE|ZLSCH|PYMNT_METHOD|zahlweg|zahlungsart|mode de paiement|forma de pago|metodo di pagamento|betaalwijze",
    ),
    (
        Remittance,
        "currency",
        "currency|payment currency|currency code|WAERS|CURRENCY_CD|waehrung|devise|moneda|divisa|valuta",
    ),
    (
        Remittance,
        "payment_amount",
        "payment amount|payment total|check amount|total paid|CHECK_AMOUNT|PYMNT_AMT|zahlbetrag|zahlungsbetrag|montant paiement|montant du paiement|importe pago|importe del pago|importo pagamento|betalingsbedrag",
    ),
    (Remittance, "payer_id", "payer id|company code|business unit|BUKRS|buchungskreis"),
    (Remittance, "payer_name", "payer|payer name|company|zahler|auftraggeber|payeur|pagador|pagatore|betaler"),
    (
        Remittance,
        "payee_id",
        "payee id|vendor no|vendor id|vendor number|supplier number|LIFNR|VENDOR_ID|kreditor|lieferantennummer|code fournisseur|codigo proveedor|codice fornitore|crediteurnummer",
    ),
    (
        Remittance,
        "payee_name",
        "payee|payee name|vendor name|supplier name|vendor|supplier|NAME1|empfaenger|zahlungsempfaenger|lieferant|beneficiaire|fournisseur|beneficiario|proveedor|fornitore|begunstigde|leverancier",
    ),
    (Remittance, "payee_account", "iban|payee account|bank account|kontonummer|compte|cuenta|conto|rekeningnummer"),
    (
        Remittance,
        "invoice_number",
        "invoice number|invoice no|document number|invoice|INVOICE_NUM|XBLNR|INVOICE_ID|referenz|rechnungsnummer|rechnung|numero de facture|facture|factura|numero factura|fattura|numero fattura|factuurnummer",
    ),
    (Remittance, "document_type", "document type|doc type|type|BLART|belegart|tipo documento|documentsoort"),
    (
        Remittance,
        "invoice_date",
        "invoice date|document date|BLDAT|INVOICE_DT|rechnungsdatum|belegdatum|date facture|fecha factura|data fattura|factuurdatum",
    ),
    (
        Remittance,
        "purchase_order",
        "po number|po|purchase order|EBELN|bestellnummer|commande|pedido|ordine|bestelnummer",
    ),
    (
        Remittance,
        "invoice_amount",
        "invoice amount|gross amount|gross|original amount|WRBTR|GROSS_AMT|rechnungsbetrag|bruttobetrag|montant facture|importe factura|importo fattura|factuurbedrag",
    ),
    (
        Remittance,
        "discount",
        "discount|discount taken|cash discount|DISCOUNT_TAKEN|WSKTO|DSCNT_AMT|skonto|skontobetrag|escompte|descuento|sconto|korting",
    ),
    (
        Remittance,
        "adjustment",
        "adjustment|adjustment amount|deduction|withheld|abzug|korrektur|ajustement|retenue|ajuste|rettifica|correctie",
    ),
    (Remittance, "adjustment_reason", "adjustment reason|reason|reason code|abzugsgrund|grund|motif|motivo|reden"),
    (
        Remittance,
        "paid",
        "paid|paid amount|amount paid|net amount|net paid|AMOUNT_PAID|PAID_AMT|bezahlt|gezahlt|zahlbetrag position|montant paye|paye|pagado|importe pagado|pagato|importo pagato|betaald",
    ),
    (
        Remittance,
        "voucher_number",
        "voucher no|voucher number|voucher|BELNR|VOUCHER_ID|belegnummer|piece|boekstuknummer",
    ),
];

/// A name without case, accents, blanks and punctuation: `Fälligkeit (netto)` is `faelligkeitnetto`.
pub(super) fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' => plain.push_str("ae"),
            'ö' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'à' | 'á' | 'â' | 'ã' => plain.push('a'),
            'è' | 'é' | 'ê' | 'ë' => plain.push('e'),
            'ì' | 'í' | 'î' | 'ï' => plain.push('i'),
            'ò' | 'ó' | 'ô' => plain.push('o'),
            'ù' | 'ú' | 'û' => plain.push('u'),
            'ç' => plain.push('c'),
            'ñ' => plain.push('n'),
            c if c.is_alphanumeric() => plain.push(c),
            _ => {}
        }
    }
    plain
}

/// How well a header fits a field's names, in percent, and the name it fits.
pub(super) fn fit(header: &str, names: &'static str) -> Option<(u8, &'static str)> {
    let header = plain(header);
    if header.is_empty() {
        return None;
    }
    let mut best: Option<(u8, &'static str)> = None;
    for (index, name) in names.split('|').enumerate() {
        let known = plain(name);
        let score = if header == known {
            // The plainest name of a field is the likeliest; `date` may be any date.
            95_u8.saturating_sub(u8::try_from(index).unwrap_or(u8::MAX).min(20))
        } else if known.len() >= 5 && header.contains(&known) {
            60
        } else if header.len() >= 5 && known.contains(&header) {
            50
        } else {
            0
        };
        if score > best.map_or(0, |(score, _)| score) {
            best = Some((score, name));
        }
    }
    best
}
