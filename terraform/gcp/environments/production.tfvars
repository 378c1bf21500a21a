# Production: at least one instance of each function, a database with failover, manual approval.

environment    = "production"
project        = "revalenz-production"
project_number = "100000000002"
domain         = "api.revalenz.example"

size = { min = 1, max = 5, pool = 5 }
sizes = {
  relay   = { max = 2 }
  support = { max = 8 }
}

database_tier             = "db-custom-2-7680"
database_highly_available = true
database_disk_gb          = 50
database_disk_limit_gb    = 500
max_connections           = 250
retained_backups          = 30

tag      = "^v[0-9]+[.][0-9]+[.][0-9]+$"
approval = true

alert_mails   = ["alerts@revalenz.example"]
log_days      = 90
monthly_euros = 600
