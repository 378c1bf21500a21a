variable "name" {
  description = "Name of load balancer and certificate."
  type        = string
}

variable "location" {
  description = "Location."
  type        = string
}

variable "type" {
  description = "Type of the load balancer."
  type        = string
}

variable "domain" {
  description = "Public domain of the platform; its DNS zone must be at Hetzner, which validates the certificate with it."
  type        = string
}

variable "subnet" {
  description = "Id of the servers' subnet."
  type        = string
}

variable "targets" {
  description = "Ids of the servers that run functions, by name."
  type        = map(number)
}

variable "health_path" {
  description = "Health check path: succeeds if Caddy, a function and the database work."
  type        = string
}
