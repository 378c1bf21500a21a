variable "prefix" {
  description = "Begins every name."
  type        = string
}

variable "project" {
  description = "Id of the project."
  type        = string
}

variable "project_number" {
  description = "Its number."
  type        = string
}

variable "environment" {
  description = "staging or production."
  type        = string
}

variable "domain" {
  description = "What is asked whether it answers."
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
  description = "What the database accepts."
  type        = number
}

variable "alert_mails" {
  description = "Who is told."
  type        = list(string)
}

variable "log_days" {
  description = "Days for which logs are kept."
  type        = number
}

variable "billing_account" {
  description = "Which account pays. Null: no budget is watched."
  type        = string
}

variable "monthly_euros" {
  description = "What a month may cost before somebody is told."
  type        = number
}
