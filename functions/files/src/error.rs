//! How this context refuses.

web::problems! {
    /// The tenant's storage has no room for the file.
    STORAGE_FULL = PAYLOAD_TOO_LARGE "storage_full" {
        de: "Speicher voll", "Für diese Datei ist kein Platz mehr: {limit} Bytes sind vereinbart.";
        en: "Storage full", "There is no room left for this file: {limit} bytes are agreed.";
    }
    /// The file has not been checked yet.
    FILE_NOT_READY = CONFLICT "file_not_ready" {
        de: "Datei noch nicht geprüft", "Die Datei wird noch hochgeladen oder geprüft. Bitte gleich noch einmal versuchen.";
        en: "File not checked yet", "The file is still being uploaded or checked. Please try again in a moment.";
    }
    /// The check found something harmful, or refused the file for another reason.
    FILE_REFUSED = FORBIDDEN "file_refused" {
        de: "Datei gesperrt", "Die Datei hat die Prüfung nicht bestanden und wird niemandem gegeben.";
        en: "File blocked", "The file did not pass the check and is given to nobody.";
    }
    /// Its category takes other types.
    TYPE_NOT_ALLOWED = UNSUPPORTED_MEDIA_TYPE "type_not_allowed" {
        de: "Dateityp nicht erlaubt", "Dateien vom Typ {type} sind hier nicht erlaubt.";
        en: "File type not allowed", "Files of the type {type} are not allowed here.";
    }
    /// The file must be kept.
    FILE_RETAINED = CONFLICT "file_retained" {
        de: "Datei muss aufbewahrt werden", "Die Datei darf vor dem {until} nicht gelöscht werden.";
        en: "File must be kept", "The file can't be deleted before {until}.";
    }
    /// The grant is none of ours, of another caller, of another thing, or too old.
    GRANT_INVALID = FORBIDDEN "file_grant_invalid" {
        de: "Freigabe ungültig", "Die Freigabe im Header X-File-Grant gilt nicht, nicht mehr, oder nicht hierfür.";
        en: "Grant not valid", "The grant in the header X-File-Grant is not valid, not any more, or not for this.";
    }
    /// The signed address was changed, is too old, or the file is another by now.
    LINK_INVALID = FORBIDDEN "link_invalid" {
        de: "Link ungültig", "Dieser Link gilt nicht oder nicht mehr. Bitte einen neuen holen.";
        en: "Link not valid", "This link is not valid, or not any more. Please get a new one.";
    }
    /// No byte of the file is in the range.
    RANGE_NOT_SATISFIABLE = RANGE_NOT_SATISFIABLE "range_not_satisfiable" {
        de: "Bereich nicht vorhanden", "Die Datei hat {size} Bytes; der verlangte Bereich liegt dahinter.";
        en: "Range not satisfiable", "The file has {size} bytes; the range that was asked for lies behind them.";
    }
    /// The upload stands elsewhere than the client thinks.
    OFFSET_CONFLICT = CONFLICT "upload_offset_conflict" {
        de: "Upload steht woanders", "Der Upload steht bei Byte {offset}. Bitte dort fortsetzen.";
        en: "Upload stands elsewhere", "The upload stands at byte {offset}. Please go on from there.";
    }
    /// The upload was not finished in time, or was given up.
    UPLOAD_GONE = GONE "upload_gone" {
        de: "Upload verfallen", "Der Upload wurde abgebrochen oder nicht rechtzeitig fortgesetzt. Bitte neu beginnen.";
        en: "Upload gone", "The upload was given up or not continued in time. Please begin again.";
    }
    /// The upload came in too many pieces.
    TOO_MANY_PARTS = CONFLICT "too_many_parts" {
        de: "Zu viele Teile", "Der Upload kam in zu vielen Teilen. Bitte neu beginnen, mit größeren.";
        en: "Too many parts", "The upload came in too many pieces. Please begin again, with larger ones.";
    }
    /// The store does not have what was announced.
    UPLOAD_INCOMPLETE = CONFLICT "upload_incomplete" {
        de: "Upload unvollständig", "Im Speicher liegt nicht, was angekündigt war: {size} Bytes.";
        en: "Upload incomplete", "The store does not have what was announced: {size} bytes.";
    }
    /// Another version of the protocol for uploads in pieces.
    TUS_VERSION = PRECONDITION_FAILED "tus_version" {
        de: "Andere Protokollversion", "Uploads in Teilen sprechen tus 1.0.0: Header Tus-Resumable.";
        en: "Other protocol version", "Uploads in pieces speak tus 1.0.0: header Tus-Resumable.";
    }
    /// What came is not what was sent (HTTP status 460, as tus has it).
    CHECKSUM_MISMATCH = BAD_REQUEST "checksum_mismatch" {
        de: "Prüfsumme falsch", "Die Bytes sind nicht so angekommen, wie sie abgeschickt wurden. Bitte noch einmal senden.";
        en: "Checksum mismatch", "The bytes did not arrive as they were sent. Please send them again.";
    }
    /// The form has no file, or more than one.
    FILE_MISSING = UNPROCESSABLE_ENTITY "file_missing" {
        de: "Datei fehlt", "Das Formular muss genau eine Datei haben, im Feld file.";
        en: "File missing", "The form must have exactly one file, in the field file.";
    }
}
