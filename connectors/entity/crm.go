package entity

// CRMCustomer is a person or company in a CRM.
type CRMCustomer struct {
	Meta
	ID                   string            `entity:"id,key" doc:"Id in the CRM"`
	Name                 string            `entity:"name,pii" doc:"Name of the person or company"`
	Kind                 string            `entity:"kind,enum=person|company" doc:"Person or company"`
	Segment              string            `entity:"segment" doc:"Segment that limits and reports go by"`
	Email                []string          `entity:"email,pii" doc:"E-mail addresses"`
	Phone                []string          `entity:"phone,pii" doc:"Phone numbers"`
	City                 string            `entity:"city" doc:"City"`
	Country              string            `entity:"country" doc:"Country"`
	Birthday             Opt[Date]         `entity:"birthday,pii" doc:"Birthday"`
	ManagerID            string            `entity:"manager_id" doc:"Manager in charge now"`
	CreatedAt            Opt[Time]         `entity:"created_at" doc:"When the record was made"`
	ContractStartedAt    Opt[Time]         `entity:"contract_started_at" doc:"Start of the contract"`
	ContractTerminatedAt Opt[Time]         `entity:"contract_terminated_at" doc:"Termination of the contract"`
	TerminationReason    string            `entity:"termination_reason" doc:"Why the contract was terminated, as written down"`
	ExternalIDs          map[string]string `entity:"external_ids" doc:"Ids of the same customer in other systems, by system"`
	Tags                 []string          `entity:"tags" doc:"Tags"`
	Preferences          string            `entity:"preferences" doc:"What the customer prefers"`
	Dislikes             string            `entity:"dislikes" doc:"What the customer dislikes in contacts"`
	IsShowcase           Opt[bool]         `entity:"is_showcase" doc:"A customer whose name attracts others"`
	MarketingConsent     Opt[bool]         `entity:"marketing_consent" doc:"Agreed to receive marketing"`
}

func (CRMCustomer) describe() (string, string, string) {
	return "crm", "customers", "People and companies in the CRM"
}

// Manager is somebody who looks after customers.
type Manager struct {
	Meta
	ID         string    `entity:"id,key" doc:"Id in the CRM"`
	Name       string    `entity:"name" doc:"Name"`
	Email      string    `entity:"email,pii" doc:"E-mail address"`
	Department string    `entity:"department" doc:"Department"`
	HiredAt    Opt[Time] `entity:"hired_at" doc:"Hired"`
	LeftAt     Opt[Time] `entity:"left_at" doc:"Left the company"`
	IsActive   Opt[bool] `entity:"is_active" doc:"Works here now"`
}

func (Manager) describe() (string, string, string) {
	return "crm", "managers", "People who look after customers"
}

// ManagerAssignment says who looked after a customer and when.
type ManagerAssignment struct {
	Meta
	CustomerID string    `entity:"customer_id,key" doc:"Customer in the CRM"`
	FromAt     Time      `entity:"from_at,key" doc:"From"`
	ManagerID  string    `entity:"manager_id" doc:"Manager"`
	ToAt       Opt[Time] `entity:"to_at" doc:"Until; null while it lasts"`
}

func (ManagerAssignment) describe() (string, string, string) {
	return "crm", "manager_assignments", "Who looked after which customer, and when"
}

// Pipeline is a sales funnel.
type Pipeline struct {
	Meta
	ID   string `entity:"id,key" doc:"Id in the CRM"`
	Name string `entity:"name" doc:"Name"`
}

func (Pipeline) describe() (string, string, string) { return "crm", "pipelines", "Sales funnels" }

// Stage is one step of a sales funnel.
type Stage struct {
	Meta
	PipelineID string     `entity:"pipeline_id,key" doc:"Funnel that the stage belongs to"`
	ID         string     `entity:"id,key" doc:"Id in the CRM"`
	Name       string     `entity:"name" doc:"Name"`
	Sort       Opt[int64] `entity:"sort" doc:"Order within the funnel"`
	Kind       string     `entity:"kind,enum=open|won|lost" doc:"What a deal in it is"`
}

func (Stage) describe() (string, string, string) { return "crm", "stages", "Steps of sales funnels" }

// Deal is a sale being made, won or lost.
type Deal struct {
	Meta
	ID                 string       `entity:"id,key" doc:"Id in the CRM"`
	CustomerID         string       `entity:"customer_id" doc:"Customer in the CRM"`
	ContactID          string       `entity:"contact_id" doc:"Contact person in the CRM"`
	Title              string       `entity:"title" doc:"Title"`
	PipelineID         string       `entity:"pipeline_id" doc:"Funnel"`
	StageID            string       `entity:"stage_id" doc:"Stage now"`
	Status             string       `entity:"status,enum=open|won|lost" doc:"State of the deal"`
	Amount             Opt[Decimal] `entity:"amount" doc:"Amount"`
	Currency           string       `entity:"currency" doc:"Currency of the amounts, ISO 4217"`
	Margin             Opt[Decimal] `entity:"margin" doc:"Margin in it"`
	ManagerID          string       `entity:"manager_id" doc:"Manager in charge"`
	LeadSource         string       `entity:"lead_source" doc:"Where the lead came from"`
	CreatedAt          Opt[Time]    `entity:"created_at" doc:"Made"`
	ExpectedCloseAt    Opt[Time]    `entity:"expected_close_at" doc:"Expected to close"`
	ClosedAt           Opt[Time]    `entity:"closed_at" doc:"Won or lost"`
	LostReason         string       `entity:"lost_reason" doc:"Why it was lost, as stated"`
	LostReasonVerified string       `entity:"lost_reason_verified" doc:"Why it was lost, as verified"`
	Competitor         string       `entity:"competitor" doc:"Competitor who won it"`
	Product            string       `entity:"product" doc:"Product"`
}

func (Deal) describe() (string, string, string) { return "crm", "deals", "Sales, open, won and lost" }

// DealStage is one stay of a deal in a stage.
type DealStage struct {
	Meta
	DealID    string    `entity:"deal_id,key" doc:"Deal"`
	Seq       int64     `entity:"seq,key" doc:"Number of the stay within the deal"`
	StageID   string    `entity:"stage_id" doc:"Stage"`
	EnteredAt Opt[Time] `entity:"entered_at" doc:"Entered"`
	LeftAt    Opt[Time] `entity:"left_at" doc:"Left; null while it lasts"`
}

func (DealStage) describe() (string, string, string) {
	return "crm", "deal_stages", "Stage history of deals"
}

// Activity is a call, meeting or task of a manager.
type Activity struct {
	Meta
	ID         string    `entity:"id,key" doc:"Id in the CRM"`
	CustomerID string    `entity:"customer_id" doc:"Customer in the CRM"`
	DealID     string    `entity:"deal_id" doc:"Deal"`
	ManagerID  string    `entity:"manager_id" doc:"Manager"`
	Kind       string    `entity:"kind,enum=call|email|meeting|task|sms|letter" doc:"Kind"`
	Direction  string    `entity:"direction,enum=inbound|outbound" doc:"Direction"`
	Subject    string    `entity:"subject" doc:"Subject"`
	At         Opt[Time] `entity:"at" doc:"When it took place"`
	DueAt      Opt[Time] `entity:"due_at" doc:"Due"`
	DoneAt     Opt[Time] `entity:"done_at" doc:"Done"`
	Result     string    `entity:"result" doc:"Result as written down"`
}

func (Activity) describe() (string, string, string) {
	return "crm", "activities", "Calls, meetings and tasks of managers"
}

// Complaint is a customer's complaint.
type Complaint struct {
	Meta
	ID            string     `entity:"id,key" doc:"Id in the CRM"`
	CustomerID    string     `entity:"customer_id" doc:"Customer in the CRM"`
	OrderID       string     `entity:"order_id" doc:"Order it is about"`
	OpenedAt      Opt[Time]  `entity:"opened_at" doc:"Made"`
	AnsweredAt    Opt[Time]  `entity:"answered_at" doc:"First answered"`
	ResolvedAt    Opt[Time]  `entity:"resolved_at" doc:"Settled"`
	Category      string     `entity:"category" doc:"Category in the CRM"`
	Text          string     `entity:"text,pii" doc:"What the customer said"`
	Severity      Opt[int64] `entity:"severity" doc:"1 trifle, 2 small problem, 3 problem, 4 catastrophe, 5 end of the world"`
	IsHumanFactor Opt[bool]  `entity:"is_human_factor" doc:"A person's failure rather than a machine's"`
	Resolution    string     `entity:"resolution" doc:"What was done"`
	Satisfied     Opt[bool]  `entity:"satisfied" doc:"The customer was satisfied with the answer"`
	ManagerID     string     `entity:"manager_id" doc:"Manager in charge"`
}

func (Complaint) describe() (string, string, string) {
	return "crm", "complaints", "Complaints of customers"
}

// Survey is one answer to a survey.
type Survey struct {
	Meta
	ID             string       `entity:"id,key" doc:"Id in the CRM"`
	CustomerID     string       `entity:"customer_id" doc:"Customer in the CRM"`
	Kind           string       `entity:"kind,enum=satisfaction|exit|nps|employee_guess" doc:"Kind of survey"`
	At             Opt[Time]    `entity:"at" doc:"Answered"`
	Score          Opt[Decimal] `entity:"score" doc:"Mark given"`
	ScoreMax       Opt[Decimal] `entity:"score_max" doc:"Best mark there is"`
	StatedReason   string       `entity:"stated_reason" doc:"Reason the customer gave"`
	VerifiedReason string       `entity:"verified_reason" doc:"Reason found on asking further"`
	Wish           string       `entity:"wish" doc:"What the customer would like"`
	Respondent     string       `entity:"respondent,enum=customer|employee" doc:"Who answered"`
}

func (Survey) describe() (string, string, string) { return "crm", "surveys", "Answers to surveys" }

// Payment is money owed and paid.
type Payment struct {
	Meta
	ID         string       `entity:"id,key" doc:"Id in the CRM"`
	CustomerID string       `entity:"customer_id" doc:"Customer in the CRM"`
	OrderID    string       `entity:"order_id" doc:"Order it pays for"`
	DueAt      Opt[Time]    `entity:"due_at" doc:"Due"`
	PaidAt     Opt[Time]    `entity:"paid_at" doc:"Paid"`
	Amount     Opt[Decimal] `entity:"amount" doc:"Amount"`
	Currency   string       `entity:"currency" doc:"Currency of the amounts, ISO 4217"`
	WrittenOff Opt[Decimal] `entity:"written_off" doc:"Amount given up"`
}

func (Payment) describe() (string, string, string) { return "crm", "payments", "Money owed and paid" }

// SalesPlan is what a customer is planned to buy in a month.
type SalesPlan struct {
	Meta
	CustomerID string       `entity:"customer_id,key" doc:"Customer in the CRM"`
	Month      Date         `entity:"month,key" doc:"First day of the month"`
	Amount     Opt[Decimal] `entity:"amount" doc:"Planned amount"`
	Currency   string       `entity:"currency" doc:"Currency of the amount, ISO 4217"`
}

func (SalesPlan) describe() (string, string, string) {
	return "crm", "sales_plans", "Planned sales by customer and month"
}

// BusinessEvent is something in the company's life that customers may feel.
type BusinessEvent struct {
	Meta
	ID      string    `entity:"id,key" doc:"Id in the CRM"`
	At      Opt[Time] `entity:"at" doc:"When it happened"`
	Kind    string    `entity:"kind,enum=price|assortment|supplier|delivery|staff|it|other" doc:"Kind"`
	Title   string    `entity:"title" doc:"What happened"`
	Segment string    `entity:"segment" doc:"Segment it touched; null for all"`
	Scope   string    `entity:"scope" doc:"What else limits it: region, category, …"`
}

func (BusinessEvent) describe() (string, string, string) {
	return "crm", "business_events", "The company's history"
}
