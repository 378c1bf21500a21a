variable "name" {
  description = "Name of load balancer and certificate."
  type        = string
}

variable "location" {
  description = "Where it is."
  type        = string
}

variable "type" {
  description = "Its size."
  type        = string
}

variable "domain" {
  description = "Name under which clients reach the platform; its zone has to be with Hetzner, who proves by it that it is ours."
  type        = string
}

variable "subnet" {
  description = "Id of the private network's part that servers are in."
  type        = string
}

variable "targets" {
  description = "Name of a server that runs functions to its id."
  type        = map(number)
}

variable "health_path" {
  description = "Asked of every server: answered when Caddy, a function and the database do their work."
  type        = string
}
