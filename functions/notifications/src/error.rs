//! How this context refuses: nothing of its own yet, since only the platform calls it.

web::problems! {}
