//! All routes of this context.

use web::openapi::Routes;

use crate::{
    App,
    error::{
        CHECKSUM_MISMATCH, FILE_MISSING, FILE_NOT_READY, FILE_REFUSED, FILE_RETAINED, LINK_INVALID,
        OFFSET_CONFLICT, RANGE_NOT_SATISFIABLE, STORAGE_FULL, TOO_MANY_PARTS, TYPE_NOT_ALLOWED,
        UPLOAD_GONE, UPLOAD_INCOMPLETE,
    },
    http::{avatars, content, create, downloads, files, tus, uploads},
};

/// One line per resource; each handler declares its own method and path.
pub(crate) fn routes() -> Routes<App> {
    web::routes! {
        create: create_file;
        files: list_files, get_file, update_file, delete_file;
        content: get_content, get_thumbnail;
        downloads: get_link, get_download;
        avatars: get_avatar;
        uploads: create_upload, complete_upload;
        tus: describe_tus, create_tus_upload, get_tus_upload, append_to_tus_upload, end_tus_upload, override_tus_method;
    }
    .bulk("/files")
    .refuses("create_file", &[&STORAGE_FULL, &TYPE_NOT_ALLOWED, &FILE_MISSING, &FILE_REFUSED, &UPLOAD_GONE])
    .refuses("delete_file", &[&FILE_RETAINED])
    .refuses("get_content", DOWNLOAD_PROBLEMS)
    .refuses("get_thumbnail", DOWNLOAD_PROBLEMS)
    .refuses("get_avatar", DOWNLOAD_PROBLEMS)
    .refuses("get_link", &[&FILE_NOT_READY, &FILE_REFUSED])
    .refuses("get_download", &[&LINK_INVALID, &RANGE_NOT_SATISFIABLE])
    .refuses("create_upload", &[&STORAGE_FULL])
    .refuses("complete_upload", &[&UPLOAD_INCOMPLETE, &UPLOAD_GONE])
    .refuses("create_tus_upload", &[&STORAGE_FULL])
    .refuses("append_to_tus_upload", APPEND_PROBLEMS)
    .refuses("override_tus_method", APPEND_PROBLEMS)
    .refuses("get_tus_upload", &[&UPLOAD_GONE])
    .refuses("end_tus_upload", &[&UPLOAD_GONE])
}

const DOWNLOAD_PROBLEMS: &[&web::ProblemKind] =
    &[&FILE_NOT_READY, &FILE_REFUSED, &RANGE_NOT_SATISFIABLE];
const APPEND_PROBLEMS: &[&web::ProblemKind] = &[
    &OFFSET_CONFLICT,
    &UPLOAD_GONE,
    &STORAGE_FULL,
    &TOO_MANY_PARTS,
    &CHECKSUM_MISMATCH,
    &web::problem::UNSUPPORTED_MEDIA_TYPE,
];
