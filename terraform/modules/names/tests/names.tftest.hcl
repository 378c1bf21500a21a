variables {
  prefix    = "revalenz"
  functions = ["identity", "notifications"]
}

run "services_and_accounts_share_their_names" {
  command = plan

  assert {
    condition     = output.services.identity == "revalenz-identity" && output.accounts.identity == "revalenz-identity"
    error_message = "One name for both."
  }
  assert {
    condition     = length(output.accounts) == 7
    error_message = "Two functions and five of the platform."
  }
}

run "accounts_have_thirty_letters_at_most" {
  command = plan

  variables {
    prefix    = "revalenz-office"
    functions = ["notificationsinall"]
  }

  expect_failures = [output.accounts]
}

run "a_function_is_not_called_like_an_account" {
  command = plan

  variables {
    functions = ["push"]
  }

  expect_failures = [output.services]
}

run "a_prefix_is_small_letters" {
  command = plan

  variables {
    prefix = "Revalenz"
  }

  expect_failures = [var.prefix]
}
