package emulator

// The five services, as Fault.Service selects them and Request.Service names them.
const (
	Smooven     = "smooven"
	Fyno        = "fyno"
	PlaySmart   = "playsmart"
	SmartSender = "smartsender"
	Sunshine    = "sunshine"
)

// The paths of the services: a client's base URL is the server's URL with this path.
const (
	SmoovenPath     = "/smooven/v1"
	FynoPath        = "/fyno/v1"
	PlaySmartPath   = "/playsmart"
	SmartSenderPath = "/smartsender/v1"
	SunshinePath    = "/sunshine"
)

// The credentials that an emulator takes. They are made up, public, and of no use anywhere else.
const (
	SmoovenKey   = "sk_live_emulator"  // Smooven's secret key, a bearer token
	SmoovenAppID = "app_live_emulator" // Smooven's public app id, in the header X-App-ID; enough to register a player

	FynoWorkspace = "FYEMULATOR"        // Fyno's workspace id, a segment of every path
	FynoVersion   = "live"              // the workspace version that Server.Env names; test is served too, with data of its own
	FynoKey       = "fyno-emulator-key" // Fyno's API key, a bearer token

	SmartSenderToken = "smartsender-emulator-token" // SmartSender's project token, a bearer token

	SunshineAppID  = "5d8cff3cd55b040010928b5b"         // Sunshine's app id, a segment of every path
	SunshineKeyID  = "app_emulator"                     // Sunshine's key id: the basic user name, or a JWT's kid
	SunshineSecret = "emulator-secret-not-for-real-use" // Sunshine's secret: the basic password, or the key that signs a JWT
)
