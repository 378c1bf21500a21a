variables {
  text = <<-JSON
    {
      "functions": [
        {"name": "desk", "about": "Opens.", "prefixes": ["/api/desk"], "root_paths": ["/.well-known/x"],
         "settings": [{"name": "REVALENZ_BELL", "about": "Rings.", "secret": true}]},
        {"name": "post", "about": "Carries.", "prefixes": ["/api/post"], "root_paths": [], "settings": []}
      ],
      "subscriptions": [{"function": "post", "consumer": "letters", "types": ["a", "b"]}],
      "jobs": [{"function": "desk", "name": "tidy", "schedule": "1 2 * * *", "about": "Tidies."}],
      "settings": [{"name": "PORT", "about": "Port."}, {"name": "DATABASE_URL", "about": "URL.", "secret": true}]
    }
  JSON
}

run "everything_is_found_by_name" {
  command = plan

  assert {
    condition     = toset(keys(output.functions)) == toset(["desk", "post"])
    error_message = "Expected both functions."
  }
  assert {
    condition     = output.functions.desk.settings == ["PORT", "DATABASE_URL", "REVALENZ_BELL"]
    error_message = "Expected shared and own settings."
  }
  assert {
    condition     = output.listeners == toset(["post"])
    error_message = "Expected the subscribers."
  }
  assert {
    condition     = output.jobs["desk/tidy"].schedule == "1 2 * * *" && output.functions.desk.jobs == ["tidy"]
    error_message = "Expected the jobs of each function."
  }
  assert {
    condition     = output.secret_settings == toset(["DATABASE_URL", "REVALENZ_BELL"])
    error_message = "Expected the secret settings."
  }
}

run "the_committed_manifest_is_accepted" {
  command = plan

  variables {
    text = file("../../../infra/manifest.json")
  }

  assert {
    condition     = contains(keys(output.functions), "identity") && contains(output.listeners, "notifications")
    error_message = "Expected the functions of the committed manifest."
  }
}

run "two_functions_with_one_path_are_refused" {
  command = plan

  variables {
    text = replace(var.text, "/api/post", "/api/desk")
  }

  expect_failures = [output.functions]
}

run "nothing_internal_leads_outside" {
  command = plan

  variables {
    text = replace(var.text, "/api/post", "/Internal/events")
  }

  expect_failures = [output.functions]
}

run "a_job_of_nobody_is_refused" {
  command = plan

  variables {
    text = replace(var.text, "\"function\": \"desk\", \"name\": \"tidy\"", "\"function\": \"attic\", \"name\": \"tidy\"")
  }

  expect_failures = [output.functions]
}

run "a_name_that_is_no_account_is_refused" {
  command = plan

  variables {
    text = replace(var.text, "\"name\": \"post\"", "\"name\": \"post_office\"")
  }

  expect_failures = [output.functions]
}
