variable "prefix" {
  description = "Prefix of every name."
  type        = string
}

variable "project" {
  description = "Id of the project."
  type        = string
}

variable "project_number" {
  description = "Project number."
  type        = string
}

variable "environment" {
  description = "staging or production."
  type        = string
}

variable "domain" {
  description = "URL of the uptime check."
  type        = string
}

variable "url_map" {
  description = "Name of the load balancer."
  type        = string
}

variable "database_instance" {
  description = "Name of the database's instance."
  type        = string
}

variable "max_connections" {
  description = "max_connections of the database."
  type        = number
}

variable "alert_mails" {
  description = "Email addresses for alerts."
  type        = list(string)
}

variable "log_days" {
  description = "Retention of logs, in days."
  type        = number
}

variable "billing_account" {
  description = "Billing account. Null: no budget alert."
  type        = string
}

variable "monthly_euros" {
  description = "Monthly budget; exceeding it sends an alert."
  type        = number
}
