variables {
  functions = {
    desk = ["PORT", "DATABASE_URL", "REVALENZ_KEY", "REVALENZ_BELL"]
    post = ["PORT", "DATABASE_URL", "REVALENZ_KEY"]
  }
  values          = { REVALENZ_BELL = "loud", REVALENZ_NEWER = "unread", REVALENZ_NONE = null }
  own_values      = { post = { PORT = "8081" } }
  secrets         = { REVALENZ_KEY = "key" }
  own_secrets     = { DATABASE_URL = "database-url" }
  secret_settings = ["DATABASE_URL", "REVALENZ_KEY"]
}

run "each_is_told_what_it_reads" {
  command = plan

  assert {
    condition     = output.values == { desk = { REVALENZ_BELL = "loud" }, post = { PORT = "8081" } }
    error_message = "Expected exactly the settings that it reads."
  }
  assert {
    condition     = output.secrets.desk == { DATABASE_URL = "desk-database-url", REVALENZ_KEY = "key" }
    error_message = "Expected its own and the shared secret."
  }
}

run "a_secret_is_no_plain_value" {
  command = plan

  variables {
    values = { REVALENZ_KEY = "in sight" }
  }

  expect_failures = [output.values]
}

run "a_misspelt_setting_is_refused" {
  command = plan

  variables {
    extra = ["REVALENZ_BEL"]
  }

  expect_failures = [output.values]
}
