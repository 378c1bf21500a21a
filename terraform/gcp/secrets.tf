locals {
  # REVALENZ_OIDC_PROVIDERS becomes oidc-providers.
  optional_secrets = { for setting in var.secret_settings : setting => lower(replace(trimprefix(setting, "REVALENZ_"), "_", "-")) }

  # Who reads which secret. A function reads its own login's address and the shared secrets that the manifest says it needs;
  # the administrator's login is the migration job's alone.
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

# The certificate by which functions know the database. It is public; it is among the secrets because that is what Cloud Run
# can mount as a file.
resource "google_secret_manager_secret_version" "database_ca" {
  secret      = module.secrets.ids["database-ca"]
  secret_data = module.database.ca_certificate
}

# Values that are missing are made on the machine that applies, and go straight to where they are kept. Nothing that exists is
# changed, so this may run any number of times; it runs for each secret once.
resource "terraform_data" "secret_value" {
  for_each = setsubtract(keys(local.readers), concat(
    ["database-ca", "login-passwords"],
    values(local.optional_secrets),
    # Both halves of a key are made at once.
    [for function in local.by_s3 : "${function}-s3-secret-key"],
  ))

  input            = module.secrets.ids[each.key]
  triggers_replace = module.secrets.ids[each.key]

  provisioner "local-exec" {
    command     = "${path.root}/../../infra/scripts/gcp-secrets.sh fill ${each.key}"
    environment = local.secrets_environment
  }

  # A key is made for an account that is there, and that may use the bucket.
  depends_on = [google_service_account.function]
}

# The functions' passwords once more, together, for the migration job: anew for each function that comes.
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

  # Full names of secrets that have a value: who reads one comes after it.
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
