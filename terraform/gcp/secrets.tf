locals {
  # REVALENZ_OIDC_PROVIDERS becomes oidc-providers.
  optional_secrets = { for setting in var.secret_settings : setting => lower(replace(trimprefix(setting, "REVALENZ_"), "_", "-")) }

  # Readers of each secret. A function reads the URL of its own login and the shared secrets that the manifest lists for it;
  # only the migration job reads the administrator's login.
  readers = merge(
    { for function in keys(local.functions) : "${function}-database-url" => toset([function]) },
    merge([for ending in values(local.s3_secrets) : { for function in local.by_s3 : "${function}-${ending}" => toset([function]) }]...),
    {
      for secret in concat(["master-key"], values(local.optional_secrets)) : secret => toset([
        for function, secrets in module.settings.secrets : function if contains(values(secrets), secret)
      ])
    },
    {
      migrate-database-url = toset(["migrate"])
      login-passwords      = toset(["migrate"])
      database-ca          = setunion(keys(local.functions), ["migrate"])
    },
  )
}

module "secrets" {
  source = "./modules/secrets"

  prefix  = var.prefix
  region  = var.region
  secrets = local.readers
  accounts = merge(
    { for function, account in google_service_account.function : function => account.email },
    { migrate = module.delivery.migrate_account },
  )

  depends_on = [google_project_service.this]
}

# The CA certificate of the database. It is public, but stored as a secret because Cloud Run
# can mount secrets as files.
resource "google_secret_manager_secret_version" "database_ca" {
  secret      = module.secrets.ids["database-ca"]
  secret_data = module.database.ca_certificate
}

# Generates missing values on the machine that applies and sends them directly to Secret Manager. Existing values are not
# changed, so this can be repeated; it runs once for each secret.
resource "terraform_data" "secret_value" {
  for_each = setsubtract(keys(local.readers), concat(
    ["database-ca", "login-passwords"],
    values(local.optional_secrets),
    # Both halves of a key are created together.
    [for function in local.by_s3 : "${function}-s3-secret-key"],
  ))

  input            = module.secrets.ids[each.key]
  triggers_replace = module.secrets.ids[each.key]

  provisioner "local-exec" {
    command     = "${path.root}/../../infra/scripts/gcp-secrets.sh fill ${each.key}"
    environment = local.secrets_environment
  }

  # A key needs an existing account with access to the bucket.
  depends_on = [google_service_account.function]
}

# The functions' passwords together, for the migration job; renewed for each new function.
resource "terraform_data" "login_passwords" {
  input            = module.secrets.ids["login-passwords"]
  triggers_replace = sort(keys(local.functions))

  provisioner "local-exec" {
    command     = "${path.root}/../../infra/scripts/gcp-secrets.sh fill login-passwords"
    environment = local.secrets_environment
  }

  depends_on = [terraform_data.secret_value]
}

locals {
  secrets_environment = {
    PROJECT           = var.project
    PREFIX            = var.prefix
    FUNCTIONS         = join(" ", sort(keys(local.functions)))
    DATABASE_INSTANCE = module.database.instance
    DATABASE_ADDRESS  = module.database.address
    DATABASE          = module.database.database
    DATABASE_OPTIONS  = local.database_options
  }

  # Full names of secrets with a value; their readers depend on them.
  filled = merge(
    { for secret, value in terraform_data.secret_value : secret => value.output },
    { for secret in values(local.optional_secrets) : secret => module.secrets.ids[secret] },
    { login-passwords = terraform_data.login_passwords.output },
    {
      for function in local.by_s3 : "${function}-s3-secret-key" =>
      replace(terraform_data.secret_value["${function}-s3-access-key"].output, "-s3-access-key", "-s3-secret-key")
    },
  )
}

locals {
  database_options = {
    verify-ca = "sslmode=verify-ca&sslrootcert=${local.ca_folder}/${local.ca_file}"
    require   = "sslmode=require"
  }[var.database_tls]
}
