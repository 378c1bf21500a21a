//! Problems of this context: none yet, since only the platform calls it.

web::problems! {}
