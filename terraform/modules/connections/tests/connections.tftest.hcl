variables {
  functions = {
    desk = { instances = 4, pool = 4 }
    post = { instances = 1, pool = 2 }
  }
  jobs            = { migrate = 2 }
  reserved        = 10
  max_connections = 46
}

run "the_sum_counts_a_roll_out_and_jobs" {
  command = plan

  assert {
    condition     = output.budget.needed == 46 && output.budget.roll_out == 16
    error_message = "4 x 4 + 1 x 2, 16 again, 2 and 10."
  }
}

run "one_too_many_is_refused" {
  command = plan

  variables {
    max_connections = 45
  }

  expect_failures = [output.budget]
}

run "no_functions_need_no_connections" {
  command = plan

  variables {
    functions = {}
    jobs      = {}
  }

  assert {
    condition     = output.budget.needed == 10
    error_message = "Expected the reserved connections to count."
  }
}
