variables {
  jobs = {
    desk  = []
    post  = ["tidy"]
    relay = []
  }
  common  = { min = 0, max = 3, pool = 4, cpu = "1", memory = "512Mi", concurrency = 80, timeout = "30s", cpu_always = false }
  streams = ["desk"]
  own     = { post = { max = 9 } }
}

run "work_beside_answers_needs_its_processor" {
  command = plan

  assert {
    condition     = !output.sizes.desk.cpu_always && output.sizes.post.cpu_always && output.sizes.relay.cpu_always
    error_message = "Expected functions with jobs, and the relay."
  }
  assert {
    condition     = output.sizes.desk.timeout == "300s" && output.sizes.post.timeout == "30s"
    error_message = "Expected a longer timeout for files."
  }
  assert {
    condition     = output.sizes.relay.min == 1 && output.sizes.desk.min == 0
    error_message = "Expected at least one instance of the relay."
  }
  assert {
    condition     = output.sizes.post.max == 9 && output.sizes.post.pool == 4
    error_message = "Expected the override, and defaults otherwise."
  }
}

run "a_size_for_nobody_is_refused" {
  command = plan

  variables {
    own = { dest = { max = 1 } }
  }

  expect_failures = [output.sizes]
}

run "no_more_at_least_than_at_most" {
  command = plan

  variables {
    own = { relay = { max = 0 } }
  }

  expect_failures = [output.sizes]
}
