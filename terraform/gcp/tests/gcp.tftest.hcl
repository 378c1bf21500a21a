# Plans with mock providers: no account, no cloud.

mock_provider "google" {}

variables {
  environment               = "staging"
  project                   = "revalenz-test"
  project_number            = "123456789012"
  domain                    = "api.test.example"
  database_tier             = "db-custom-1-3840"
  database_highly_available = false
  max_connections           = 100
  alert_mails               = ["alerts@test.example"]
}

run "nothing_but_the_load_balancer_is_reached_from_outside" {
  command = plan

  assert {
    condition     = module.database.public == { address = false, plain = false, deletable = false }
    error_message = "The database must be private, encrypted and protected from deletion."
  }
  assert {
    condition     = alltrue([for service in module.service : service.ingress == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"])
    error_message = "Services must not be reachable from the internet."
  }
}

run "every_function_of_the_manifest_is_there" {
  command = plan

  assert {
    condition     = toset(keys(output.urls)) == toset(jsondecode(file("../../infra/manifest.json")).functions[*].name)
    error_message = "Expected a service for each function."
  }
  assert {
    condition     = toset(keys(module.edge.paths)) == toset(keys(output.urls))
    error_message = "Expected a route to each function."
  }
}

run "a_function_more_appears_everywhere" {
  command = plan

  variables {
    manifest    = "tests/one-more.json"
    clamd_image = "europe-west3-docker.pkg.dev/revalenz-test/revalenz/clamd@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  }

  assert {
    condition     = output.urls.rooms == "https://revalenz-rooms-123456789012.europe-west3.run.app"
    error_message = "Expected a service."
  }
  assert {
    condition     = module.edge.paths.rooms == toset(["/api/rooms", "/api/rooms/*", "/api/v1/rooms", "/api/v1/rooms/*", "/.well-known/rooms.json"])
    error_message = "Expected its paths."
  }
  assert {
    condition     = module.bus.topics == { rooms = "revalenz-events-rooms" }
    error_message = "Expected events for the only subscriber."
  }
  assert {
    condition     = module.scheduler.jobs == ["revalenz-rooms-sweep"]
    error_message = "Expected its job."
  }
  assert {
    condition     = output.environment.rooms.DATABASE_URL == "rooms-database-url" && output.environment.rooms.REVALENZ_GCS_BUCKET == "revalenz-test-objects"
    error_message = "Expected its login and its object store."
  }
  assert {
    condition     = output.environment.rooms.REVALENZ_INTERNAL_OIDC_ACCOUNTS == "revalenz-push@revalenz-test.iam.gserviceaccount.com,revalenz-scheduler@revalenz-test.iam.gserviceaccount.com"
    error_message = "Expected calls by Pub/Sub and Cloud Scheduler."
  }
  assert {
    condition     = output.environment.relay.REVALENZ_INTERNAL_OIDC_ACCOUNTS == "revalenz-push@revalenz-test.iam.gserviceaccount.com"
    error_message = "Expected the relay to receive dead letters, without a job."
  }
  assert {
    condition     = !contains(keys(output.environment.identity), "REVALENZ_INTERNAL_OIDC_AUDIENCE") && !contains(keys(output.environment.identity), "REVALENZ_GCS_BUCKET")
    error_message = "A function without callers must accept no caller and get no store settings."
  }
  assert {
    condition     = toset(module.storage.users) == toset(["rooms"])
    error_message = "Only this function may use the bucket."
  }
}

run "a_secret_that_is_in_use_is_read_by_who_needs_it" {
  command = plan

  variables {
    secret_settings = ["REVALENZ_OIDC_PROVIDERS"]
  }

  assert {
    condition     = output.environment.identity.REVALENZ_OIDC_PROVIDERS == "oidc-providers" && !contains(keys(output.environment.support), "REVALENZ_OIDC_PROVIDERS")
    error_message = "Only identity may read it."
  }
  assert {
    condition     = module.secrets.readers["oidc-providers"] == toset(["identity"]) && module.secrets.readers["migrate-database-url"] == toset(["migrate"])
    error_message = "No other function may read either."
  }
}

run "who_knows_only_s3_has_a_key_for_it" {
  command = plan

  variables {
    manifest = "tests/by-s3.json"
  }

  assert {
    condition = output.environment.rooms.REVALENZ_S3_BUCKET == "revalenz-test-objects" && [
      output.environment.rooms.REVALENZ_S3_ACCESS_KEY, output.environment.rooms.REVALENZ_S3_SECRET_KEY
    ] == ["rooms-s3-access-key", "rooms-s3-secret-key"]
    error_message = "Expected the bucket, and both halves of its own key."
  }
  assert {
    condition     = module.secrets.readers["rooms-s3-secret-key"] == toset(["rooms"]) && toset(module.storage.users) == toset(["rooms"])
    error_message = "No other function may read it or use the bucket."
  }
}
