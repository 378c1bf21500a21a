//! Upload of a file as a multipart form. The content is streamed into the object store and never held in memory as a whole.

use std::io;

use crate::ids::FileId;
use access::{Caller, file_grant::FileGrant};
use axum::extract::{FromRequest, Request, State};
use blob::StoreError;
use bytes::Bytes;
use events::UnitOfWork;
use futures::stream;
use multer::{Constraints, Multipart, SizeLimit};
use utoipa::openapi::{
    ContentBuilder, KnownFormat, ObjectBuilder, RefOr, Required, SchemaFormat,
    request_body::RequestBodyBuilder, schema::Type,
};
use web::{
    Created, Incoming, Problem, ValidQuery,
    openapi::{Arg, OperationDoc},
    problem::{self, Result},
};

use super::{
    body::ResourceField,
    grant::FileGrantHeader,
    load_file,
    start_upload::{StartedUpload, UploadRequest, start_upload},
    uploads::{cancel_upload, finish_upload},
    view::File,
    viewer_scope,
};
use crate::{
    App,
    domain::{file::Status, file_name::FileName, media_type::Category},
    error::{FILE_MISSING, FILE_REFUSED, TYPE_NOT_ALLOWED, UPLOAD_GONE, store_unavailable},
    object_keys::part_key,
    permissions::FileCreate,
    store::uploads::{self, NewUpload, Part, Protocol},
};

/// Maximum size of a file in a form. Cloud Run limits requests to 32 MiB.
const MAX_FORM_FILE_SIZE: u64 = 30 << 20;
/// Allowance for the parts of the form around the file.
const FORM_OVERHEAD: u64 = 64 << 10;

web::query! {
    /// Properties of the new file.
    pub(crate) struct NewFileQuery {
        /// The file name; defaults to the name in the form.
        name: Option<FileName>,
        /// The purpose of the file; defaults to `attachment`, or to the category of the document that `revision_of` names.
        category: Option<Category>,
        /// The resource to attach the file to: `ticket:<id>` with a grant for that ticket, or `user:<id>` of the caller.
        resource: Option<ResourceField>,
        /// Whether only staff can see the file among those of its resource.
        internal: Option<bool>,
        /// The file of which this is a new revision. Requires permission to update that file. The revision inherits category,
        /// resource and visibility of its document.
        revision_of: Option<FileId>,
    }
}

/// The body of a multipart request.
#[derive(Debug)]
pub(crate) struct Form(Incoming);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        Incoming::from_request(request, state).await.map(Self)
    }
}

impl Arg for Form {
    fn describe(doc: &mut OperationDoc) {
        let file = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .description(Some("The file, up to 30 MiB."));
        let form = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("file", file)
            .required("file")
            .build();
        doc.operation.request_body = Some(RefOr::T(
            RequestBodyBuilder::new()
                .content(
                    "multipart/form-data",
                    ContentBuilder::new().schema(Some(form)).build(),
                )
                .required(Some(Required::True))
                .build(),
        ));
        for kind in [
            &problem::BAD_REQUEST,
            &problem::TOO_LARGE,
            &problem::UNSUPPORTED_MEDIA_TYPE,
        ] {
            doc.refuses(kind);
        }
    }
}

/// Upload a file
///
/// Uploads a file of up to 30 MiB as a form with one field, `file`. The file is checked for malware and allowed types before it
/// can be downloaded. For larger files use `POST /uploads`.
#[utoipa::path(
    post,
    path = "/files",
    responses((status = 201, body = File, description = "The file was uploaded. Large files may still be `scanning`."))
)]
pub(crate) async fn create_file(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    grant: FileGrantHeader,
    ValidQuery(query): ValidQuery<NewFileQuery>,
    Form(incoming): Form,
) -> Result<Created<File>> {
    let grant = grant.verify(&app, &caller)?;
    // In a separate task, so that objects and reserved storage are cleaned up even if the client disconnects.
    let task =
        tokio::spawn(async move { upload_form(&app, &caller, grant, query, incoming).await });
    task.await.map_err(Problem::internal)?
}

async fn upload_form(
    app: &App,
    caller: &Caller<FileCreate>,
    grant: Option<FileGrant>,
    query: NewFileQuery,
    incoming: Incoming,
) -> Result<Created<File>> {
    let too_large = || {
        problem::TOO_LARGE
            .problem()
            .argument("limit", MAX_FORM_FILE_SIZE)
    };
    let Ok(boundary) = multer::parse_boundary(&incoming.content_type) else {
        return Err(problem::UNSUPPORTED_MEDIA_TYPE
            .problem()
            .argument("expected", "multipart/form-data"));
    };
    let announced = incoming.length.unwrap_or(MAX_FORM_FILE_SIZE);
    if announced > MAX_FORM_FILE_SIZE + FORM_OVERHEAD {
        return Err(too_large());
    }
    let constraints = Constraints::new().size_limit(
        SizeLimit::new()
            .whole_stream(MAX_FORM_FILE_SIZE + FORM_OVERHEAD)
            .per_field(MAX_FORM_FILE_SIZE),
    );
    let chunks = stream::try_unfold(incoming, |mut incoming| async move {
        let next: Result<Option<Bytes>, web::incoming::BodyError> = incoming.next().await;
        next.map(|chunk| chunk.map(|chunk| (chunk, incoming)))
    });
    let mut form = Multipart::with_constraints(chunks, boundary, constraints);
    let field = loop {
        match form.next_field().await.map_err(form_problem)? {
            Some(field) if field.name() == Some("file") => break field,
            Some(_) => {}
            None => return Err(FILE_MISSING.problem()),
        }
    };
    let name = match query.name {
        Some(name) => name,
        None => FileName::parse(field.file_name().unwrap_or("file"))
            .map_err(|code| Problem::field("/name", code))?,
    };
    let request = UploadRequest {
        name,
        category: query.category,
        resource: query.resource.map(|field| field.0),
        internal: query.internal,
        revision_of: query.revision_of,
        upload: NewUpload {
            protocol: Protocol::Form,
            length: None,
            // The size of the file is not known in advance, only the length of the whole request.
            reserved: i64::try_from(announced.min(MAX_FORM_FILE_SIZE)).unwrap_or_default(),
            expected_sha256: None,
            metadata: None,
        },
    };
    let StartedUpload { id, max_size, .. } =
        start_upload(app, caller, grant.as_ref(), request).await?;
    let finished = async {
        let part = store_field(app, caller, id, field, max_size).await?;
        check_single_file(&mut form).await?;
        finish_form(app, caller, id, &part).await
    };
    if let Err(problem) = finished.await {
        cancel_upload(app, caller, id).await?;
        return Err(problem);
    }
    app.process_now(caller.tenant.id, id, caller.request())
        .await;
    let mut unit = UnitOfWork::begin(app, caller).await?;
    let file = load_file(&mut unit, &viewer_scope(caller, grant), id).await?;
    unit.commit().await?;
    match (file.status, file.failure.as_deref()) {
        (Status::Rejected, Some("type_not_allowed")) => {
            let mime_type = file.mime_type.unwrap_or_default();
            Err(TYPE_NOT_ALLOWED.problem().argument("type", mime_type))
        }
        (Status::Infected | Status::Rejected, _) => Err(FILE_REFUSED.problem()),
        _ => Ok(Created {
            location: format!("/api/v1/files/{id}"),
            resource: file.into(),
        }),
    }
}

/// Refuses a second file instead of silently ignoring it.
async fn check_single_file(form: &mut Multipart<'static>) -> Result<()> {
    while let Some(field) = form.next_field().await.map_err(form_problem)? {
        if field.name() == Some("file") {
            return Err(FILE_MISSING.problem());
        }
    }
    Ok(())
}

/// Parses the resource of a query or a header.
pub(super) fn parse_resource(text: Option<&str>) -> Result<Option<access::file_grant::Resource>> {
    let field = text.map(ResourceField::parse).transpose();
    let field = field.map_err(|code| Problem::field("/resource", code))?;
    Ok(field.map(|field| field.0))
}

/// Streams the content of the field into the object store.
async fn store_field(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
    field: multer::Field<'static>,
    max_size: i64,
) -> Result<Part> {
    let key = part_key(caller.tenant.id, id, 0)?;
    let mut source = FieldSource { field, error: None };
    let size = match app.store.put(&key, &mut source).await {
        Ok(size) => i64::try_from(size).unwrap_or(i64::MAX),
        Err(StoreError::Source(_)) => {
            let problem = source.error.map(form_problem);
            return Err(problem.unwrap_or_else(|| problem::BAD_REQUEST.problem()));
        }
        Err(error) => return Err(store_unavailable(error)),
    };
    if size > max_size {
        return Err(problem::TOO_LARGE.problem().argument("limit", max_size));
    }
    Ok(Part {
        begins_at: 0,
        size,
        object_key: key.as_str().to_owned(),
    })
}

struct FieldSource {
    field: multer::Field<'static>,
    error: Option<multer::Error>,
}

impl blob::Source for FieldSource {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        self.field.chunk().await.map_err(|error| {
            self.error = Some(error);
            io::Error::other("the form is incomplete")
        })
    }
}

async fn finish_form(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
    part: &Part,
) -> Result<()> {
    let mut unit = UnitOfWork::begin(app, caller).await?;
    uploads::lock_upload(&mut unit, caller.actor, id)
        .await?
        .filter(|upload| upload.status == Status::Pending)
        .ok_or(&UPLOAD_GONE)?;
    uploads::append_part(&mut unit, id, part, 0).await?;
    uploads::set_length(&mut unit, id, part.size, 0).await?;
    finish_upload(&mut unit, id).await?;
    unit.commit().await?;
    Ok(())
}

fn form_problem(error: multer::Error) -> Problem {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            problem::TOO_LARGE
                .problem()
                .argument("limit", MAX_FORM_FILE_SIZE)
        }
        _ => problem::BAD_REQUEST.problem(),
    }
}
