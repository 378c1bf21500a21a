//! A file in one request, as a form: for small clients. It streams into the store and is never whole in memory.

use std::io;

use access::Caller;
use axum::extract::{FromRequest, Request, State};
use blob::StoreError;
use bytes::Bytes;
use futures::stream;
use ids::FileId;
use multer::{Constraints, Multipart, SizeLimit};
use serde::Deserialize;
use utoipa::{
    IntoParams,
    openapi::{
        ContentBuilder, KnownFormat, ObjectBuilder, RefOr, Required, SchemaFormat,
        request_body::RequestBodyBuilder, schema::Type,
    },
};
use web::{
    Created, Incoming, Problem, ValidQuery,
    openapi::{Arg, OperationDoc},
    problem::{self, Result},
};

use super::{
    Granted, away,
    begin::{Beginning, Begun, begin},
    grant::Presented,
    load,
    piece::part_key,
    sight,
    uploads::{finish, withdraw},
};
use crate::{
    App,
    domain::{
        file::{File, ResourceField, Status},
        kind::Category,
        name::FileName,
    },
    error::{FILE_MISSING, FILE_REFUSED, TYPE_NOT_ALLOWED},
    permissions::FileCreate,
    store::uploads::{self, NewUpload, Part, Protocol},
};

/// Bytes of the largest file in a form: Cloud Run cuts requests at 32 MiB.
const MOST: u64 = 30 << 20;
/// What the form may have around it.
const AROUND: u64 = 64 << 10;

/// What is said of a file beside its bytes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFileQuery {
    /// What it is called; without it the form's name counts.
    name: Option<String>,
    /// What it is for; when not said `attachment`, or what its document is for.
    #[param(inline)]
    category: Option<Category>,
    /// The thing that it belongs to: `ticket:<id>` with a grant for it, or `user:<id>` for oneself.
    resource: Option<String>,
    /// Whether only staff sees it among the files of its thing.
    internal: Option<bool>,
    /// The file that it is a new revision of, by whoever may change that one. It belongs where its document does.
    revision_of: Option<FileId>,
}

/// A form on its way in.
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
            .description(Some("The file: up to 30 MiB."));
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

/// Upload a file of up to 30 MiB as a form with one field, `file`. Larger ones come in pieces: `POST /uploads`.
#[utoipa::path(
    post,
    path = "/files",
    responses((status = 201, body = File, description = "Uploaded. Large ones are still being checked."))
)]
pub(crate) async fn create_file(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    presented: Presented,
    ValidQuery(query): ValidQuery<NewFileQuery>,
    Form(incoming): Form,
) -> Result<Created<File>> {
    let granted = presented.check(&app, &caller)?;
    // A task of its own: a client that hangs up leaves neither bytes nor reserved room behind.
    let work = tokio::spawn(async move { create(&app, &caller, granted, query, incoming).await });
    work.await.map_err(Problem::internal)?
}

async fn create(
    app: &App,
    caller: &Caller<FileCreate>,
    granted: Granted,
    query: NewFileQuery,
    incoming: Incoming,
) -> Result<Created<File>> {
    let too_large = || problem::TOO_LARGE.problem().argument("limit", MOST);
    let Ok(boundary) = multer::parse_boundary(&incoming.content_type) else {
        return Err(problem::UNSUPPORTED_MEDIA_TYPE
            .problem()
            .argument("expected", "multipart/form-data"));
    };
    let announced = incoming.length.unwrap_or(MOST);
    if announced > MOST + AROUND {
        return Err(too_large());
    }
    let constraints =
        Constraints::new().size_limit(SizeLimit::new().whole_stream(MOST + AROUND).per_field(MOST));
    let pieces = stream::try_unfold(incoming, |mut incoming| async move {
        let next: Result<Option<Bytes>, web::incoming::Cut> = incoming.next().await;
        next.map(|piece| piece.map(|piece| (piece, incoming)))
    });
    let mut form = Multipart::with_constraints(pieces, boundary, constraints);
    let field = loop {
        match form.next_field().await.map_err(refused)? {
            Some(field) if field.name() == Some("file") => break field,
            Some(_) => {}
            None => return Err(FILE_MISSING.problem()),
        }
    };
    let name = query
        .name
        .as_deref()
        .or(field.file_name())
        .unwrap_or("file");
    let beginning = Beginning {
        name: FileName::parse(name).map_err(|code| Problem::field("/name", code))?,
        category: query.category,
        resource: resource(query.resource.as_deref())?,
        internal: query.internal,
        revision_of: query.revision_of,
        upload: NewUpload {
            protocol: Protocol::Form,
            length: None,
            // Only of the whole request is the length known before it has come.
            reserved: i64::try_from(announced.min(MOST)).unwrap_or_default(),
            expected_sha256: None,
        },
    };
    let Begun { id, limit, .. } = begin(app, caller, &granted, beginning).await?;
    let finished = async {
        let part = store(app, caller, id, field, limit).await?;
        refuse_another(&mut form).await?;
        finish_form(app, caller, id, &part).await
    };
    if let Err(problem) = finished.await {
        withdraw(app, caller, id).await?;
        return Err(problem);
    }
    app.step_soon(caller.tenant.id, id, caller.request()).await;
    let mut tx = caller.begin(&app.db).await?;
    let file = load(&mut tx, &sight(caller, granted), id).await?;
    tx.commit().await?;
    match (file.status, file.failure.as_deref()) {
        (Status::Rejected, Some("type_not_allowed")) => {
            let mime_type = file.mime_type.unwrap_or_default();
            Err(TYPE_NOT_ALLOWED.problem().argument("type", mime_type))
        }
        (Status::Infected | Status::Rejected, _) => Err(FILE_REFUSED.problem()),
        _ => Ok(Created {
            location: format!("/api/v1/files/{id}"),
            resource: file,
        }),
    }
}

/// A second file would be lost without a word.
async fn refuse_another(form: &mut Multipart<'static>) -> Result<()> {
    while let Some(field) = form.next_field().await.map_err(refused)? {
        if field.name() == Some("file") {
            return Err(FILE_MISSING.problem());
        }
    }
    Ok(())
}

pub(super) fn resource(text: Option<&str>) -> Result<Option<access::file_grant::Resource>> {
    let field = text.map(ResourceField::parse).transpose();
    let field = field.map_err(|code| Problem::field("/resource", code))?;
    Ok(field.map(|field| field.0))
}

/// The field's bytes into the store.
async fn store(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
    field: multer::Field<'static>,
    limit: i64,
) -> Result<Part> {
    let key = part_key(caller.tenant.id, id, 0)?;
    let mut source = FieldSource {
        field,
        failed: None,
    };
    let size = match app.store.put(&key, &mut source).await {
        Ok(size) => i64::try_from(size).unwrap_or(i64::MAX),
        Err(StoreError::Source(_)) => {
            let failed = source.failed.map(refused);
            return Err(failed.unwrap_or_else(|| problem::BAD_REQUEST.problem()));
        }
        Err(error) => return Err(away(error)),
    };
    if size > limit {
        return Err(problem::TOO_LARGE.problem().argument("limit", limit));
    }
    Ok(Part {
        begins_at: 0,
        size,
        object_key: key.as_str().to_owned(),
    })
}

struct FieldSource {
    field: multer::Field<'static>,
    failed: Option<multer::Error>,
}

impl blob::Source for FieldSource {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        self.field.chunk().await.map_err(|error| {
            self.failed = Some(error);
            io::Error::other("the form broke off")
        })
    }
}

async fn finish_form(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
    part: &Part,
) -> Result<()> {
    let now = app.gate.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    uploads::lock_upload(&mut tx, caller.actor, id)
        .await?
        .filter(|upload| upload.status == Status::Pending)
        .ok_or(&crate::error::UPLOAD_GONE)?;
    uploads::append_part(&mut tx, id, part, 0).await?;
    uploads::set_length(&mut tx, id, part.size, 0).await?;
    finish(&mut tx, caller, id, now).await?;
    tx.commit().await?;
    Ok(())
}

fn refused(error: multer::Error) -> Problem {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            problem::TOO_LARGE.problem().argument("limit", MOST)
        }
        _ => problem::BAD_REQUEST.problem(),
    }
}
