# Staging: minimal, scales to zero.

environment    = "staging"
project        = "revalenz-staging"
project_number = "100000000001"
domain         = "api.staging.revalenz.example"

size  = { max = 2, pool = 3 }
sizes = { relay = { max = 1 } }

database_tier             = "db-custom-1-3840"
database_highly_available = false
max_connections           = 100

branch   = "^main$"
approval = false

alert_mails   = ["staging-alerts@revalenz.example"]
log_days      = 30
monthly_euros = 150
