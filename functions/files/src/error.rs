//! Problems that this context returns.

use blob::StoreError;
use web::{Problem, problem};

web::problems! {
    /// The tenant's storage limit does not allow the file.
    STORAGE_FULL = PAYLOAD_TOO_LARGE "storage_full" {
        de: "Speicher voll", "Der Speicherplatz reicht für diese Datei nicht aus. Das Limit liegt bei {limit} Bytes. Löschen Sie nicht mehr benötigte Dateien oder erweitern Sie die Lizenz.";
        en: "Storage full", "There is not enough storage left for this file. The limit is {limit} bytes. Delete files or upgrade the licence.";
    }
    /// The file has not been checked yet.
    FILE_NOT_READY = CONFLICT "file_not_ready" {
        de: "Datei noch nicht geprüft", "Die Datei wird noch hochgeladen oder geprüft. Bitte versuchen Sie es in Kürze erneut.";
        en: "File not ready", "The file is still being uploaded or checked. Try again in a moment.";
    }
    /// Malware was found in the file, or the check refused it for another reason.
    FILE_REFUSED = FORBIDDEN "file_refused" {
        de: "Datei gesperrt", "Die Datei hat die Sicherheitsprüfung nicht bestanden und kann nicht heruntergeladen werden.";
        en: "File blocked", "The file did not pass the security check and cannot be downloaded.";
    }
    /// The category does not allow this file type.
    TYPE_NOT_ALLOWED = UNSUPPORTED_MEDIA_TYPE "type_not_allowed" {
        de: "Dateityp nicht erlaubt", "Dateien vom Typ {type} sind hier nicht erlaubt.";
        en: "File type not allowed", "Files of type {type} are not allowed here.";
    }
    /// The file is under retention.
    FILE_RETAINED = CONFLICT "file_retained" {
        de: "Aufbewahrungsfrist läuft", "Die Datei muss bis {until} aufbewahrt werden und kann vorher nicht gelöscht werden.";
        en: "File under retention", "The file must be kept until {until} and cannot be deleted before then.";
    }
    /// The grant is invalid, expired, or was issued for another caller or resource.
    GRANT_INVALID = FORBIDDEN "file_grant_invalid" {
        de: "Freigabe ungültig", "Die Freigabe im Header X-File-Grant ist ungültig, abgelaufen oder gilt für eine andere Ressource. Bitte fordern Sie eine neue an.";
        en: "File grant invalid", "The grant in the header X-File-Grant is invalid, has expired, or is for another resource. Request a new one.";
    }
    /// The signed URL was changed, has expired, or the file has changed since.
    LINK_INVALID = FORBIDDEN "link_invalid" {
        de: "Link ungültig", "Dieser Link ist ungültig oder abgelaufen. Bitte fordern Sie einen neuen an.";
        en: "Link invalid", "This link is invalid or has expired. Request a new one.";
    }
    /// The requested range is outside the file.
    RANGE_NOT_SATISFIABLE = RANGE_NOT_SATISFIABLE "range_not_satisfiable" {
        de: "Bereich nicht vorhanden", "Der angeforderte Bereich liegt außerhalb der Datei. Die Datei ist {size} Bytes groß.";
        en: "Range not satisfiable", "The requested range is outside the file, which has {size} bytes.";
    }
    /// The offset of the request differs from that of the upload.
    OFFSET_CONFLICT = CONFLICT "upload_offset_conflict" {
        de: "Falsche Upload-Position", "Der Upload ist bei Byte {offset}. Bitte setzen Sie ihn dort fort.";
        en: "Upload offset mismatch", "The upload is at byte {offset}. Continue from there.";
    }
    /// The upload has expired or was cancelled.
    UPLOAD_GONE = GONE "upload_gone" {
        de: "Upload abgelaufen", "Der Upload wurde abgebrochen oder ist abgelaufen. Bitte starten Sie ihn neu.";
        en: "Upload expired", "The upload was cancelled or has expired. Start a new one.";
    }
    /// The upload has too many parts.
    TOO_MANY_PARTS = CONFLICT "too_many_parts" {
        de: "Zu viele Teile", "Der Upload besteht aus zu vielen Teilen. Bitte starten Sie ihn mit größeren Teilen neu.";
        en: "Too many parts", "The upload has too many parts. Start again with larger parts.";
    }
    /// The object store does not contain the declared content.
    UPLOAD_INCOMPLETE = CONFLICT "upload_incomplete" {
        de: "Upload unvollständig", "Es wurden noch nicht alle angekündigten {size} Bytes hochgeladen. Bitte schließen Sie den Upload ab.";
        en: "Upload incomplete", "The declared {size} bytes have not been uploaded. Finish the upload first.";
    }
    /// The client uses another version of the tus protocol.
    TUS_VERSION = PRECONDITION_FAILED "tus_version" {
        de: "Protokollversion nicht unterstützt", "Nur tus 1.0.0 wird unterstützt. Senden Sie den Header Tus-Resumable: 1.0.0.";
        en: "Protocol version not supported", "Only tus 1.0.0 is supported. Send the header Tus-Resumable: 1.0.0.";
    }
    /// The content does not match its checksum (HTTP status 460, as defined by tus).
    CHECKSUM_MISMATCH = BAD_REQUEST "checksum_mismatch" {
        de: "Prüfsumme falsch", "Die übertragenen Daten stimmen nicht mit der Prüfsumme überein. Bitte senden Sie sie erneut.";
        en: "Checksum mismatch", "The received data does not match the checksum. Send it again.";
    }
    /// The form contains no file, or more than one.
    FILE_MISSING = UNPROCESSABLE_ENTITY "file_missing" {
        de: "Datei fehlt", "Das Formular muss genau eine Datei im Feld file enthalten.";
        en: "File missing", "The form must contain exactly one file in the field file.";
    }
}

/// Logs an error of the object store and returns `503`.
pub(crate) fn store_unavailable(error: StoreError) -> Problem {
    tracing::warn!(%error, "the object store failed");
    problem::UNAVAILABLE.problem()
}
