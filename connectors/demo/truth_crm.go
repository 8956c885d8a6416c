package demo

// ReasonsTruth is why customers left, as the rules see their losses, and what was
// said of it in exit surveys.
type ReasonsTruth struct {
	Asked            int     `json:"exit_surveys"`
	Verified         int     `json:"verified"`            // of them: somebody asked further
	Both             int     `json:"both_known"`          // stated and verified, in words that mean something
	Disagree         int     `json:"disagree"`            // of those
	DisagreePct      float64 `json:"disagree_pct"`        //
	UnmappedStated   int     `json:"unmapped_stated"`     // words that no pattern should know
	UnmappedVerified int     `json:"unmapped_verified"`   //
	Terminations     int     `json:"termination_texts"`   // contracts ended with a reason in words
	UnmappedEnds     int     `json:"unmapped_terminated"` // of those
	// ByMonth has a row per month of the loss, segment and category, where there
	// are any, with (all). Category (pause) are losses by the rules of customers
	// who had not left.
	ByMonth []ReasonTruth `json:"by_month"`
}

// ReasonTruth is one category of reasons in a month.
type ReasonTruth struct {
	Month        string `json:"month"`
	Segment      string `json:"segment"`
	Category     string `json:"category"`
	CompanyFault bool   `json:"company_fault"`
	Lost         int    `json:"lost"`     // whose true cause it was
	Stated       int    `json:"stated"`   // who said so in an exit survey
	Verified     int    `json:"verified"` // of whom it was found out
}

// FunnelTruth is what became of the deals of the CRM by the last day.
type FunnelTruth struct {
	Deals     int    `json:"deals"`
	Won       int    `json:"won"`
	Lost      int    `json:"lost"`
	Open      int    `json:"open"`
	WonAmount string `json:"won_amount"`
	// WorstStage is the stage from which the largest share of deals is lost, as
	// pipeline and stage.
	WorstPipeline string       `json:"worst_pipeline"`
	WorstStage    string       `json:"worst_stage"`
	Stages        []StageTruth `json:"stages"`
}

// StageTruth is what became of the deals that reached a stage. A deal that skips a
// stage has passed it, one that goes back counts once; it is dropped or open at
// the furthest stage it reached.
type StageTruth struct {
	Pipeline      string `json:"pipeline"`
	Stage         string `json:"stage"`
	PipelineName  string `json:"pipeline_name"`
	StageName     string `json:"stage_name"`
	StageNo       int    `json:"stage_no"`
	Entered       int    `json:"entered"`
	Advanced      int    `json:"advanced"`
	Dropped       int    `json:"dropped"`
	Open          int    `json:"open"`
	LostFrom      int    `json:"lost_from"` // that stood in it when they were lost
	DroppedAmount string `json:"dropped_amount"`
}

// ComplaintTruth is what came of the orders with which something was wrong, by
// what the customer did and how the company answered.
type ComplaintTruth struct {
	Outcome  string  `json:"outcome"` // quiet, answered_well, answered_badly, not_answered
	Orders   int     `json:"orders"`
	Records  int     `json:"records"`   // of them in the CRM by the last day
	LeavePct float64 `json:"leave_pct"` // planted chance to leave because of it
}
