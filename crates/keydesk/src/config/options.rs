//! The configuration options on the command line and in the environment.

use std::path::PathBuf;

/// The options on the command line. Each overrides its environment variable, which overrides the configuration file,
/// which overrides the default.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// Configuration file [default: ./keydesk.toml if it exists]
    #[arg(long, global = true, env = "KEYDESK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for the database and the key file [default: ./keydesk-data]
    #[arg(long, global = true, env = "KEYDESK_DATA", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Address that the console listens on [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "KEYDESK_CONSOLE", value_name = "ADDRESS")]
    pub console: Option<String>,
    /// Address that the gateway listens on [default: 127.0.0.1:8081]
    #[arg(long, global = true, env = "KEYDESK_GATEWAY", value_name = "ADDRESS")]
    pub gateway: Option<String>,
    /// URL at which users reach the console [default: http:// and the console's address]
    #[arg(long, global = true, env = "KEYDESK_PUBLIC_CONSOLE_URL", value_name = "URL")]
    pub public_console_url: Option<String>,
    /// URL at which clients reach the gateway [default: http:// and the gateway's address]
    #[arg(long, global = true, env = "KEYDESK_PUBLIC_GATEWAY_URL", value_name = "URL")]
    pub public_gateway_url: Option<String>,
    /// Database: sqlite:FILE or postgres://… [default: a file in the data folder]
    #[arg(
        long,
        global = true,
        env = "KEYDESK_DATABASE_URL",
        value_name = "DATABASE_URL",
        hide_env_values = true
    )]
    pub database_url: Option<String>,
    /// Role of this node: all, console, or gateway [default: all]
    #[arg(long, global = true, env = "KEYDESK_ROLE", value_name = "ROLE")]
    pub role: Option<String>,
    /// URL of the API [default: the built-in sample API]
    #[arg(long, global = true, env = "KEYDESK_UPSTREAM", value_name = "URL")]
    pub upstream: Option<String>,
    /// OpenAPI document of the API in JSON or YAML [default: /openapi.json of the upstream]
    #[arg(long, global = true, env = "KEYDESK_OPENAPI", value_name = "FILE_OR_URL")]
    pub openapi: Option<String>,
}
